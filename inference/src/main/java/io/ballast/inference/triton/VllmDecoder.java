package io.ballast.inference.triton;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.RemoteGeneration;
import io.ballast.inference.remote.RemoteGeneration.Finish;
import io.ballast.inference.remote.RemoteGeneration.Told;
import io.ballast.inference.remote.RemotePrompt;
import io.ballast.inference.remote.RemoteSampling;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A language model behind Triton's vLLM back end, or one that keeps its convention: a decoupled
 * model that takes {@code text_input} and {@code sampling_parameters} and streams {@code
 * text_output} with the log-probabilities of the tokens drawn. Prompts are not healed, and cut only
 * where their text reads as the same tokens: see {@link RemotePrompt}. What the back end does not
 * tell is refused: see {@link RemoteSampling}; it cannot score given texts.
 */
public final class VllmDecoder implements Decoder {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<Long> ONE = List.of(1L);
  private static final List<String> INPUTS =
      List.of(
          "text_input",
          "stream",
          "sampling_parameters",
          "exclude_input_in_output",
          "return_finish_reason",
          "return_logprobs");
  private static final List<String> OUTPUTS = List.of("text_output", "finish_reason", "logprobs");

  private final ServedModel model;
  private final Tokenizer tokenizer;
  private final int contextTokens;
  private final GenerationStreams streams;

  private VllmDecoder(
      KServeClient client, ServedModel model, Tokenizer tokenizer, int contextTokens) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.contextTokens = contextTokens;
    this.streams = new GenerationStreams(client, model);
  }

  /**
   * Returns the decoder, after a look at what the model takes and gives.
   *
   * @param client stays its owner's
   * @param tokenizer the one that belongs to the weights
   * @param contextTokens the back end's {@code max_model_len}
   * @throws ModelException UNSUPPORTED, naming what the model lacks; UNAVAILABLE if the server is
   *     not reached or has no such model
   */
  public static VllmDecoder open(
      KServeClient client, ServedModel model, Tokenizer tokenizer, int contextTokens) {
    return open(client, model, () -> tokenizer, contextTokens);
  }

  /**
   * As the other.
   *
   * @param tokenizer asked once, if the server is reached and has such a model
   */
  public static VllmDecoder open(
      KServeClient client, ServedModel model, Supplier<Tokenizer> tokenizer, int contextTokens) {
    ModelDescription description;
    try {
      description = client.describe(model);
    } catch (TritonException e) {
      throw TritonFaults.of(e);
    }
    List<String> lacking =
        Stream.concat(
                INPUTS.stream().filter(name -> !description.takes(name)),
                OUTPUTS.stream().filter(name -> !description.gives(name)))
            .toList();
    if (!lacking.isEmpty() || !description.decoupled()) {
      throw new ModelException(
          Reason.UNSUPPORTED,
          "%s: %s (expected: Triton's vLLM convention, with log-probabilities)"
              .formatted(
                  KServeClient.subject(model),
                  lacking.isEmpty() ? "not decoupled" : "lacks " + lacking));
    }
    return new VllmDecoder(client, model, tokenizer.get(), contextTokens);
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int contextTokens() {
    return contextTokens;
  }

  @Override
  public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    streams.requireOpen();
    RemoteSampling.check(request.sampling());
    RemotePrompt prompt = RemotePrompt.written(request, tokenizer, contextTokens);
    RemoteGeneration generation =
        new RemoteGeneration(
            streams.subject(), request.sampling(), tokenizer, prompt.tokens(), onToken);
    return streams.start(wire(prompt.text(), request), generation, new Answers(generation));
  }

  /**
   * Would score given texts.
   *
   * @throws ModelException always, UNSUPPORTED: the back end scores only what it draws
   */
  @Override
  public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
    throw new ModelException(
        Reason.UNSUPPORTED,
        KServeClient.subject(model)
            + ": Triton's vLLM back end tells log-probabilities of what it draws alone, not of"
            + " given texts");
  }

  @Override
  public void close() {
    streams.close();
  }

  private InferRequest wire(String prompt, GenerationRequest request) {
    ObjectNode sampling = RemoteSampling.json(request.sampling());
    sampling.put("logprobs", 0); // of the token drawn, without alternatives
    return InferRequest.of(model)
        .input(Tensor.strings("text_input", ONE, prompt))
        .input(Tensor.bools("stream", ONE, true))
        .input(Tensor.strings("sampling_parameters", ONE, sampling.toString()))
        .input(Tensor.bools("exclude_input_in_output", ONE, true))
        .input(Tensor.bools("return_finish_reason", ONE, true))
        .input(Tensor.bools("return_logprobs", ONE, true))
        .build();
  }

  /** One generation's answers. */
  private final class Answers implements GenerationStreams.Reader {
    private final RemoteGeneration generation;

    Answers(RemoteGeneration generation) {
      this.generation = generation;
    }

    @Override
    public void answered(InferAnswer answer, boolean last) {
      String finish = only(answer, "finish_reason");
      generation.add(
          told(answer),
          only(answer, "text_output"),
          finish.equals("None") ? Optional.empty() : Optional.of(Finish.of(finish)));
    }

    @Override
    public void ended(boolean marked) {
      // the reason of an end is told with its last answer, or not at all
    }
  }

  private List<Told> told(InferAnswer answer) {
    String wire = only(answer, "logprobs");
    try {
      JsonNode steps = JSON.readTree(wire);
      if (!steps.isArray()) {
        throw new ModelException(
            Reason.BROKEN,
            streams.subject()
                + " at "
                + streams.at()
                + ": the back end tells no log-probabilities, for which return_logprobs and"
                + " sampling_parameters.logprobs ask (expected: a release of Triton's vLLM back end"
                + " that answers them, or a model that keeps its convention)");
      }
      List<Told> told = new ArrayList<>();
      for (JsonNode step : steps) {
        // the token drawn comes first; alternatives, if any, after it
        Map.Entry<String, JsonNode> drawn = step.properties().iterator().next();
        JsonNode logProb = drawn.getValue().path("logprob");
        told.add(
            new Told(
                Integer.parseInt(drawn.getKey()),
                logProb.isNumber() ? logProb.doubleValue() : Double.NaN));
      }
      return told;
    } catch (JsonProcessingException | NumberFormatException | NoSuchElementException e) {
      throw new ModelException(
          Reason.BROKEN, streams.subject() + ": logprobs cannot be read: " + wire, e);
    }
  }

  private String only(InferAnswer answer, String output) {
    Optional<Tensor> tensor = answer.find(output);
    if (tensor.isPresent() && tensor.get().type() != TensorType.BYTES) {
      throw new ModelException(
          Reason.BROKEN,
          "%s: '%s' of type %s (expected: BYTES)"
              .formatted(streams.subject(), output, tensor.get().type()));
    }
    List<String> values = tensor.map(Tensor::strings).orElse(List.of());
    if (values.size() != 1) {
      throw new ModelException(
          Reason.BROKEN,
          "%s: %,d values of '%s' in an answer (expected: 1)"
              .formatted(streams.subject(), values.size(), output));
    }
    return values.getFirst();
  }
}
