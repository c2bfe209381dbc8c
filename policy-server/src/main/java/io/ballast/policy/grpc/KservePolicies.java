package io.ballast.policy.grpc;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.InferenceTimes;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.core.Caller;
import io.ballast.policy.core.Lane;
import io.ballast.policy.core.PinnedVersion;
import io.ballast.policy.core.VersionSelector;
import io.ballast.policy.core.suggest.CompletionFlow;
import io.ballast.policy.core.suggest.TextListener;
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

  private static final List<TensorSpec> INPUTS =
      List.of(
          TensorSpec.of(TEXT_INPUT, Datatype.BYTES, 1),
          TensorSpec.optional(STREAM, Datatype.BOOL),
          TensorSpec.optional(SAMPLING, Datatype.BYTES),
          TensorSpec.optional(MAX_TOKENS, Datatype.INT32),
          TensorSpec.optional(EXCLUDE_INPUT, Datatype.BOOL),
          TensorSpec.optional(RETURN_FINISH_REASON, Datatype.BOOL));
  private static final List<TensorSpec> OUTPUTS =
      List.of(
          TensorSpec.of("text_output", Datatype.BYTES, -1),
          TensorSpec.of("finish_reason", Datatype.BYTES, -1));

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
    if (model.isEmpty()) {
      return Optional.empty();
    }
    VersionSelector selector =
        version.isEmpty()
            ? VersionSelector.alias(model, VersionSelector.SERVING)
            : VersionSelector.version(model, version);
    try {
      return Optional.of(new ServedPolicy(catalog.version(selector)));
    } catch (MeshException e) {
      if (e.fault() == Fault.UNKNOWN_MODEL || e.fault() == Fault.MALFORMED_REQUEST) {
        return Optional.empty(); // no such version, or no name of one
      }
      throw e;
    }
  }

  private final class ServedPolicy implements ServedModel {
    private final RegisteredVersion version;

    ServedPolicy(RegisteredVersion version) {
      this.version = version;
    }

    @Override
    public io.ballast.kit.call.PinnedVersion id() {
      return new io.ballast.kit.call.PinnedVersion(
          version.id().model(), version.id().version(), version.id().weightsSha256());
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
    public InferenceTimes infer(InferenceCommand command, Consumer<List<Tensor>> answers) {
      long start = nanoTime.getAsLong();
      String prompt = command.text(TEXT_INPUT).orElseThrow();
      boolean stream = command.truth(STREAM).orElse(false);
      boolean withPrompt = !command.truth(EXCLUDE_INPUT).orElse(stream);
      if (stream && withPrompt) {
        throw Texts.malformed(
            EXCLUDE_INPUT, "false (expected: true or absent where the answer is streamed)");
      }
      boolean reason = command.truth(RETURN_FINISH_REASON).orElse(false);
      SamplingOptions.Builder sampling = SamplingOptions.newBuilder();
      command.integer(MAX_TOKENS).ifPresent(most -> sampling.setMaxNewTokens(most.intValue()));
      TextListener listener =
          stream ? delta -> answers.accept(answer(delta, reason, "")) : TextListener.none();
      long begin = nanoTime.getAsLong();
      Generation generation =
          flow.complete(
              caller(command),
              VersionSelector.version(version.id().model(), version.id().version()),
              prompt,
              SamplingParameters.read(command.text(SAMPLING).orElse(""), sampling),
              listener,
              ContextCancellation.ofCurrentCall());
      Duration infer = Duration.ofNanos(nanoTime.getAsLong() - begin);
      String text = stream ? "" : (withPrompt ? prompt : "") + generation.text();
      answers.accept(answer(text, reason, finishReason(generation.stopReason())));
      return new InferenceTimes(
          Duration.ZERO, Duration.ofNanos(begin - start), infer, Duration.ZERO);
    }

    private static List<Tensor> answer(String text, boolean withReason, String reason) {
      List<Tensor> tensors = new ArrayList<>(2);
      tensors.add(Tensor.list("text_output", new TensorValues.Texts(List.of(text))));
      if (withReason) {
        tensors.add(Tensor.list("finish_reason", new TensorValues.Texts(List.of(reason))));
      }
      return tensors;
    }

    private static Caller caller(InferenceCommand command) {
      io.ballast.kit.call.Caller caller = command.caller();
      return new Caller(
          caller.requestId(),
          caller.tenant(),
          Lane.valueOf(caller.lane().name()),
          caller.idempotencyKey());
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
