package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.triton.ModelDescription.TensorPromise;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelParameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A model of TensorRT-LLM's Triton back end as it describes itself, and requests of it. Releases
 * differ in names ({@code random_seed} became {@code seed}) and types, so that each tensor is what
 * the model declares.
 *
 * @param shape where the tokenizer is
 * @param accumulates whether each text is all of it so far, not what has been added
 * @param echoes whether answers begin with the prompt
 */
record TensorRtLlmModel(
    ModelDescription description,
    ServedModel served,
    Shape shape,
    boolean accumulates,
    boolean echoes) {
  /** How many tokens of {@code output_ids} are some. */
  static final String LENGTH = "sequence_length";

  private static final String EXCLUDE_INPUT = "exclude_input_in_output";
  private static final List<String> SEEDS = List.of("seed", "random_seed");

  /** What the oldest releases demand, be there any words or not. */
  private static final List<String> WORDS = List.of("bad_words", "stop_words");

  /**
   * As {@code top_p}, leaves the likeliest token alone: less than one part in any vocabulary. It is
   * how greedy is asked for, since of {@code top_k} 1 the back end tells the probability among what
   * is left, which is 1, unless it was configured otherwise; of {@code top_p} it tells the model's.
   */
  private static final double LIKELIEST_ALONE = 1e-6;

  private static final Set<TensorType> WHOLE_NUMBERS =
      EnumSet.of(TensorType.INT32, TensorType.INT64, TensorType.UINT32, TensorType.UINT64);
  private static final Set<TensorType> NUMBERS = EnumSet.of(TensorType.FP32, TensorType.FP64);
  private static final Set<TensorType> FLAGS = EnumSet.of(TensorType.BOOL);
  private static final Set<TensorType> TEXTS = EnumSet.of(TensorType.BYTES);

  /** What is read of outputs, by name. */
  private static final Map<String, Set<TensorType>> READ =
      Map.of(
          "text_output",
          TEXTS,
          "output_ids",
          EnumSet.of(TensorType.INT32),
          LENGTH,
          EnumSet.of(TensorType.INT32),
          "output_log_probs",
          EnumSet.of(TensorType.FP32, TensorType.FP16, TensorType.BF16));

  /** Where the tokenizer is. */
  enum Shape {
    /** In the server: an ensemble, or the BLS model. */
    TEXT(
        List.of("text_input", "max_tokens", "top_p", "return_log_probs"),
        List.of("text_output", "output_log_probs"),
        "max_tokens",
        "",
        "stream"),
    /** Here: the model {@code tensorrt_llm} itself. */
    TOKENS(
        List.of(
            "input_ids",
            "input_lengths",
            "request_output_len",
            "runtime_top_p",
            "return_log_probs"),
        List.of("output_ids", "output_log_probs"),
        "request_output_len",
        "runtime_",
        "streaming");

    private final List<String> inputs;
    private final List<String> outputs;
    private final String limit;
    private final String prefix;
    private final String stream;

    Shape(List<String> inputs, List<String> outputs, String limit, String prefix, String stream) {
      this.inputs = inputs;
      this.outputs = outputs;
      this.limit = limit;
      this.prefix = prefix;
      this.stream = stream;
    }
  }

  /**
   * Reads what a model is.
   *
   * @throws ModelException UNSUPPORTED, naming what it lacks or has of another type
   */
  static TensorRtLlmModel of(ServedModel served, ModelDescription description, ModelConfig config) {
    Shape shape = description.takes("input_ids") ? Shape.TOKENS : Shape.TEXT;
    List<String> lacking = new ArrayList<>(shape.inputs);
    lacking.removeIf(description::takes);
    shape.outputs.stream().filter(output -> !description.gives(output)).forEach(lacking::add);
    if (description.decoupled() && !description.takes(shape.stream)) {
      lacking.add(shape.stream);
    }
    if (!lacking.isEmpty()) {
      throw new ModelException(
          Reason.UNSUPPORTED,
          "%s: lacks %s (expected: the tensors of TensorRT-LLM's back end, with log-probabilities)"
              .formatted(KServeClient.subject(served), lacking));
    }
    TensorRtLlmModel model =
        new TensorRtLlmModel(
            description,
            served,
            shape,
            description.decoupled() && says(config, "accumulate_tokens"),
            !description.decoupled()
                && !description.takes(EXCLUDE_INPUT)
                && !says(config, EXCLUDE_INPUT));
    model.requireNothingElse();
    model.requireReadable();
    return model;
  }

  private static boolean says(ModelConfig config, String parameter) {
    String value =
        config
            .getParametersOrDefault(parameter, ModelParameter.getDefaultInstance())
            .getStringValue();
    return Set.of("true", "1", "t", "y", "yes").contains(value.toLowerCase(Locale.ROOT));
  }

  private void requireNothingElse() {
    Set<String> sent = new HashSet<>(WORDS);
    request(SamplingOptions.builder().build(), 0, "", TokenIds.of(0))
        .inputs()
        .forEach(input -> sent.add(input.name()));
    List<String> unknown =
        description.inputs().stream()
            .filter(input -> !input.optional())
            .map(TensorPromise::name)
            .filter(name -> !sent.contains(name))
            .toList();
    if (!unknown.isEmpty()) {
      throw new ModelException(
          Reason.UNSUPPORTED,
          "%s: demands %s, which is not known".formatted(KServeClient.subject(served), unknown));
    }
  }

  private void requireReadable() {
    Stream.concat(shape.outputs.stream(), Stream.of(LENGTH))
        .flatMap(output -> description.output(output).stream())
        .forEach(output -> requireType("gives", output, READ.getOrDefault(output.name(), TEXTS)));
  }

  private void requireType(String does, TensorPromise tensor, Set<TensorType> types) {
    if (!types.contains(tensor.type())) {
      throw new ModelException(
          Reason.UNSUPPORTED,
          "%s: %s %s of type %s (expected: %s)"
              .formatted(KServeClient.subject(served), does, tensor.name(), tensor.type(), types));
    }
  }

  /**
   * Refuses options for which the model has no input; the others are those of all remote decoders.
   *
   * @throws IllegalArgumentException naming the option
   */
  void check(SamplingOptions options) {
    if (options.temperature() != 0 && SEEDS.stream().noneMatch(description::takes)) {
      throw new IllegalArgumentException(
          "seed: %d (expected: temperature 0, for %s has no input for a seed, of %s)"
              .formatted(options.seed(), KServeClient.subject(served), SEEDS));
    }
  }

  /**
   * Returns the request.
   *
   * @param endId the token that ends a text
   * @param text the prompt, read by a model with a tokenizer
   * @param ids the prompt, read by one without
   */
  InferRequest request(SamplingOptions options, int endId, String text, TokenIds ids) {
    Inputs inputs = new Inputs();
    switch (shape) {
      case TEXT -> inputs.words("text_input", text);
      case TOKENS -> {
        inputs.ids(ids);
        inputs.integer("input_lengths", ids.size());
      }
    }
    inputs.integer(shape.limit, options.maxNewTokens());
    inputs.flag(shape.stream, description.decoupled());
    inputs.flag("return_log_probs", true);
    inputs.flag(EXCLUDE_INPUT, true);
    inputs.integer("end_id", endId);
    inputs.integer("pad_id", endId);
    inputs.integer("beam_width", 1);
    // servers bring defaults of their own: what would shape the distribution is sent as what does
    // not
    inputs.number("temperature", 1);
    inputs.integer(shape.prefix + "top_k", 0);
    inputs.number(shape.prefix + "top_p", options.temperature() == 0 ? LIKELIEST_ALONE : 1);
    inputs.number("repetition_penalty", 1);
    inputs.number("presence_penalty", 0);
    inputs.number("frequency_penalty", 0);
    SEEDS.forEach(name -> inputs.seed(name, options.seed()));
    WORDS.stream().filter(this::demands).forEach(name -> inputs.words(name, ""));
    // the model may promise what it gives only if asked for otherwise
    shape.outputs.forEach(inputs.request::output);
    if (description.gives(LENGTH)) {
      inputs.request.output(LENGTH);
    }
    return inputs.request.build();
  }

  private boolean demands(String name) {
    return find(name).filter(input -> !input.optional()).isPresent();
  }

  private Optional<TensorPromise> find(String name) {
    return description.inputs().stream().filter(input -> input.name().equals(name)).findFirst();
  }

  /** The inputs of a request: those that the model declares, of their types and ranks. */
  private final class Inputs {
    private final InferRequest.Builder request = InferRequest.of(served);

    void words(String name, String value) {
      input(name, TEXTS).ifPresent(input -> request.input(Tensor.strings(name, one(input), value)));
    }

    void ids(TokenIds ids) {
      input("input_ids", WHOLE_NUMBERS)
          .ifPresent(
              input -> {
                List<Long> dimensions = new ArrayList<>(one(input));
                dimensions.set(dimensions.size() - 1, (long) ids.size());
                request.input(
                    Tensor.integers(
                        "input_ids",
                        input.type(),
                        dimensions,
                        Arrays.stream(ids.toArray()).asLongStream().toArray()));
              });
    }

    void integer(String name, long value) {
      input(name, WHOLE_NUMBERS)
          .ifPresent(
              input -> request.input(Tensor.integers(name, input.type(), one(input), value)));
    }

    /** Of 64 bits; where the model takes 32, the upper ones are folded into the lower. */
    void seed(String name, long value) {
      input(name, WHOLE_NUMBERS)
          .ifPresent(
              input -> {
                int folded = Long.hashCode(value);
                integer(
                    name,
                    switch (input.type()) {
                      case INT32 -> folded;
                      case UINT32 -> Integer.toUnsignedLong(folded);
                      default -> value;
                    });
              });
    }

    void number(String name, double value) {
      input(name, NUMBERS)
          .ifPresent(
              input ->
                  request.input(
                      input.type() == TensorType.FP64
                          ? Tensor.doubles(name, one(input), value)
                          : Tensor.floats(name, one(input), (float) value)));
    }

    void flag(String name, boolean value) {
      input(name, FLAGS).ifPresent(input -> request.input(Tensor.bools(name, one(input), value)));
    }

    private Optional<TensorPromise> input(String name, Set<TensorType> types) {
      Optional<TensorPromise> input = find(name);
      input.ifPresent(tensor -> requireType("takes", tensor, types));
      return input;
    }

    /** One element, of as many dimensions as the model wants, the batch among them. */
    private List<Long> one(TensorPromise input) {
      return Collections.nCopies(Math.max(1, input.shape().size()), 1L);
    }
  }
}
