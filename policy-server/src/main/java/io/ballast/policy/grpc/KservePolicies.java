package io.ballast.policy.grpc;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.InferenceTimes;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.core.suggest.CompletionFlow;
import io.ballast.policy.core.version.RegisteredVersion;
import io.ballast.policy.core.version.VersionCatalog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The registered versions as KServe clients see them: decoupled generative models with the tensors
 * of Triton's vLLM back end.
 */
public final class KservePolicies implements ServedModels {
  private static final String TEXT_INPUT = "text_input";
  private static final String STREAM = "stream";
  private static final String SAMPLING = "sampling_parameters";
  private static final String MAX_TOKENS = "max_tokens";
  private static final String EXCLUDE_INPUT = "exclude_input_in_output";
  private static final String RETURN_FINISH_REASON = "return_finish_reason";
  private static final String RETURN_LOGPROBS = "return_logprobs";
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The reason of an end that has not come, as Python writes it and so vLLM's back end. */
  private static final String UNFINISHED = "None";

  private static final List<TensorSpec> INPUTS =
      List.of(
          TensorSpec.of(TEXT_INPUT, Datatype.BYTES, 1),
          TensorSpec.optional(STREAM, Datatype.BOOL),
          TensorSpec.optional(SAMPLING, Datatype.BYTES),
          TensorSpec.optional(MAX_TOKENS, Datatype.INT32),
          TensorSpec.optional(EXCLUDE_INPUT, Datatype.BOOL),
          TensorSpec.optional(RETURN_FINISH_REASON, Datatype.BOOL),
          TensorSpec.optional(RETURN_LOGPROBS, Datatype.BOOL));
  private static final List<TensorSpec> OUTPUTS =
      List.of(
          TensorSpec.of("text_output", Datatype.BYTES, -1),
          TensorSpec.of("finish_reason", Datatype.BYTES, -1),
          TensorSpec.of("logprobs", Datatype.BYTES, -1));

  private final CompletionFlow flow;
  private final VersionCatalog catalog;
  private final LongSupplier nanoTime;

  public KservePolicies(CompletionFlow flow, VersionCatalog catalog, LongSupplier nanoTime) {
    this.flow = flow;
    this.catalog = catalog;
    this.nanoTime = nanoTime;
  }

  /**
   * The versions of all models that have an alias. One that no alias points to loads when it is
   * asked for; so do the iterations of runs, which are too short-lived to be listed.
   */
  @Override
  public List<ModelState> states() {
    return catalog.servedModels().stream().flatMap(model -> versions(model).stream()).toList();
  }

  @Override
  public List<ModelState> states(String model) {
    return lists(model) ? versions(model) : List.of();
  }

  @Override
  public boolean lists(String model) {
    return catalog.servedModels().contains(model);
  }

  private List<ModelState> versions(String model) {
    String serving = catalog.serving(model).map(PinnedVersion::version).orElse("");
    return catalog.versions(model).stream()
        .map(version -> ModelState.ready(model, version.id().version()))
        .sorted(Comparator.comparing(state -> !state.version().equals(serving)))
        .toList();
  }

  @Override
  public Optional<ServedModel> find(String model, String version) {
    return ServedModels.find(
        model, version, selector -> new ServedPolicy(catalog.version(selector)));
  }

  /** What an answer has beside its text. */
  private record Wanted(boolean reason, boolean logProbs) {
    List<Tensor> answer(String text, String finishReason, List<CompletionFlow.Drawn> tokens) {
      List<Tensor> tensors = new ArrayList<>(3);
      tensors.add(one("text_output", text));
      if (reason) {
        tensors.add(one("finish_reason", finishReason));
      }
      if (logProbs) {
        tensors.add(one("logprobs", json(tokens)));
      }
      return tensors;
    }

    private static Tensor one(String name, String text) {
      return Tensor.list(name, new TensorValues.Texts(List.of(text)));
    }

    /** An object for each token, as vLLM's back end writes it; without alternatives, no rank. */
    private static String json(List<CompletionFlow.Drawn> tokens) {
      ArrayNode steps = JSON.createArrayNode();
      for (CompletionFlow.Drawn token : tokens) {
        steps
            .addObject()
            .putObject(Integer.toString(token.tokenId()))
            .put("logprob", token.logProb())
            .putNull("rank")
            .put("decoded_token", token.text());
      }
      return steps.toString();
    }
  }

  private final class ServedPolicy implements ServedModel {
    private final RegisteredVersion version;

    ServedPolicy(RegisteredVersion version) {
      this.version = version;
    }

    @Override
    public PinnedVersion id() {
      return version.id();
    }

    @Override
    public ModelSignature signature() {
      return new ModelSignature(
          0,
          true,
          INPUTS,
          OUTPUTS,
          Map.of("context_tokens", Integer.toString(version.contextTokens())));
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      long start = nanoTime.getAsLong();
      String prompt = command.text(TEXT_INPUT).orElseThrow();
      boolean stream = command.truth(STREAM).orElse(false);
      boolean withPrompt = !command.truth(EXCLUDE_INPUT).orElse(stream);
      if (stream && withPrompt) {
        throw Texts.malformed(
            EXCLUDE_INPUT, "false (expected: true or absent where the answer is streamed)");
      }
      Wanted wanted =
          new Wanted(
              command.truth(RETURN_FINISH_REASON).orElse(false),
              command.truth(RETURN_LOGPROBS).orElse(false));
      SamplingOptions.Builder sampling = SamplingOptions.newBuilder();
      command.integer(MAX_TOKENS).ifPresent(most -> sampling.setMaxNewTokens(most.intValue()));
      List<CompletionFlow.Drawn> tokens = new ArrayList<>();
      CompletionFlow.Reader reader =
          stream
              ? (text, drawn) -> earlier.accept(wanted.answer(text, UNFINISHED, drawn))
              : (text, drawn) -> tokens.addAll(drawn);
      long begin = nanoTime.getAsLong();
      CompletionFlow.Completed completed =
          flow.complete(
              command.caller(),
              VersionSelector.version(version.id().model(), version.id().version()),
              prompt,
              SamplingParameters.read(command.text(SAMPLING).orElse(""), sampling),
              reader,
              ContextCancellation.ofCurrentCall());
      Duration infer = Duration.ofNanos(nanoTime.getAsLong() - begin);
      tokens.addAll(completed.rest());
      Generation generation = completed.generation();
      String text = stream ? "" : (withPrompt ? prompt : "") + generation.text();
      return new LastAnswer(
          wanted.answer(text, finishReason(generation.stopReason()), tokens),
          new InferenceTimes(Duration.ZERO, Duration.ofNanos(begin - start), infer, Duration.ZERO));
    }

    /** In vLLM's words. */
    private static String finishReason(StopReason reason) {
      return switch (reason) {
        case END_OF_TEXT, STOP_STRING, STOP_TOKEN, GRAMMAR_COMPLETE -> "stop";
        case MAX_TOKENS, CONTEXT_FULL, GRAMMAR_INCOMPLETE -> "length";
        case CANCELLED -> "abort";
      };
    }
  }
}
