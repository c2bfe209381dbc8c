package io.ballast.kit.grpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.PromptCut;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.Timing;
import java.time.Duration;

/** Translates {@code ballast.mesh.v1}, which every API shares, to plain Java and back. */
public final class MeshMessages {
  private MeshMessages() {}

  /** Who asks. */
  public static Caller caller(RequestContext context) {
    return new Caller(
        context.requestId(), context.tenant(), lane(context.priority()), context.idempotencyKey());
  }

  /** The lane that a request asks for; a person's where it names none. */
  static Lane lane(Priority priority) {
    return switch (priority) {
      case PRIORITY_TRAINER -> Lane.TRAINER;
      case PRIORITY_BATCH -> Lane.BATCH;
      case PRIORITY_INTERACTIVE, PRIORITY_UNSPECIFIED, UNRECOGNIZED -> Lane.INTERACTIVE;
    };
  }

  /** The lane of a call to a peer. */
  public static Priority priority(Lane lane) {
    return switch (lane) {
      case INTERACTIVE -> Priority.PRIORITY_INTERACTIVE;
      case TRAINER -> Priority.PRIORITY_TRAINER;
      case BATCH -> Priority.PRIORITY_BATCH;
    };
  }

  /** Which version is meant; the alias "serving" where nothing is said. */
  public static VersionSelector selector(ModelSelector selector) {
    String model = selector.getModel();
    return switch (selector.getSelectorCase()) {
      case VERSION -> VersionSelector.version(model, selector.getVersion());
      case ALIAS -> VersionSelector.alias(model, selector.getAlias());
      case SELECTOR_NOT_SET -> VersionSelector.alias(model, VersionSelector.SERVING);
    };
  }

  /**
   * Refuses sampling options other than those that every caller of a model can have: temperature,
   * top_k, top_p, max_new_tokens, stop_strings and seed.
   *
   * @param path where the options stand in the request
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the first other option
   */
  public static void requirePlain(SamplingOptions sampling, String path) {
    for (FieldDescriptor field : sampling.getAllFields().keySet()) {
      if (field.getNumber() > SamplingOptions.SEED_FIELD_NUMBER) {
        throw Texts.malformed(
            path + "." + field.getName(),
            "not supported here (supported: temperature, top_k, top_p, max_new_tokens, stop_strings, seed)");
      }
    }
  }

  /** A version as a message. */
  public static ModelVersion version(PinnedVersion version) {
    return ModelVersion.newBuilder()
        .setModel(version.model())
        .setVersion(version.version())
        .setWeightsSha256(version.weightsSha256())
        .build();
  }

  /** A version from a message; nothing is checked. */
  public static PinnedVersion version(ModelVersion version) {
    return new PinnedVersion(version.getModel(), version.getVersion(), version.getWeightsSha256());
  }

  /**
   * What becomes of a prompt that is too long.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if this build does not know it
   */
  public static Truncation truncation(io.ballast.mesh.v1.Truncation truncation) {
    return switch (truncation) {
      case TRUNCATION_UNSPECIFIED -> Truncation.REFUSE;
      case TRUNCATION_KEEP_LAST -> Truncation.KEEP_LAST;
      case TRUNCATION_KEEP_FIRST -> Truncation.KEEP_FIRST;
      case UNRECOGNIZED ->
          throw Texts.malformed("truncation", "unknown (expected: KEEP_LAST, KEEP_FIRST or none)");
    };
  }

  /** What becomes of a prompt that is too long, as a message. */
  public static io.ballast.mesh.v1.Truncation truncation(Truncation truncation) {
    return switch (truncation) {
      case REFUSE -> io.ballast.mesh.v1.Truncation.TRUNCATION_UNSPECIFIED;
      case KEEP_LAST -> io.ballast.mesh.v1.Truncation.TRUNCATION_KEEP_LAST;
      case KEEP_FIRST -> io.ballast.mesh.v1.Truncation.TRUNCATION_KEEP_FIRST;
    };
  }

  /** What was not seen of a prompt, as a message. */
  public static io.ballast.mesh.v1.PromptCut cut(PromptCut cut) {
    return io.ballast.mesh.v1.PromptCut.newBuilder()
        .setTruncation(truncation(cut.truncation()))
        .setDroppedTokens(cut.droppedTokens())
        .setPromptTokens(cut.promptTokens())
        .build();
  }

  /** An item's failure as a message. */
  public static ItemFailure failure(ItemFault fault) {
    FailureReason reason =
        switch (fault.reason()) {
          case INVALID_INPUT -> FailureReason.FAILURE_REASON_INVALID_INPUT;
          case TOO_LONG -> FailureReason.FAILURE_REASON_TOO_LONG;
          case DEADLINE -> FailureReason.FAILURE_REASON_DEADLINE;
          case OVERLOADED -> FailureReason.FAILURE_REASON_OVERLOADED;
          case MODEL_ERROR -> FailureReason.FAILURE_REASON_MODEL_ERROR;
          case QUORUM_LOST -> FailureReason.FAILURE_REASON_QUORUM_LOST;
          case CANCELLED -> FailureReason.FAILURE_REASON_CANCELLED;
        };
    return ItemFailure.newBuilder().setReason(reason).setMessage(fault.message()).build();
  }

  /** Why an item of a peer's answer failed; what this build does not know is a model's error. */
  public static ItemFault.Reason reason(FailureReason reason) {
    return switch (reason) {
      case FAILURE_REASON_INVALID_INPUT -> ItemFault.Reason.INVALID_INPUT;
      case FAILURE_REASON_TOO_LONG -> ItemFault.Reason.TOO_LONG;
      case FAILURE_REASON_DEADLINE -> ItemFault.Reason.DEADLINE;
      case FAILURE_REASON_OVERLOADED -> ItemFault.Reason.OVERLOADED;
      case FAILURE_REASON_QUORUM_LOST -> ItemFault.Reason.QUORUM_LOST;
      case FAILURE_REASON_CANCELLED -> ItemFault.Reason.CANCELLED;
      case FAILURE_REASON_MODEL_ERROR, FAILURE_REASON_UNSPECIFIED, UNRECOGNIZED ->
          ItemFault.Reason.MODEL_ERROR;
    };
  }

  /** Where the time went, as a message. */
  public static Timing timing(PhaseTimes times) {
    return Timing.newBuilder()
        .setQueueDuration(duration(times.queue()))
        .setBatchWaitDuration(duration(times.batchWait()))
        .setTokeniseDuration(duration(times.tokenise()))
        .setInferDuration(duration(times.infer()))
        .setAggregateDuration(duration(times.aggregate()))
        .setTotalDuration(duration(times.total()))
        .build();
  }

  /** A time span of a message. */
  public static Duration duration(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }

  private static com.google.protobuf.Duration duration(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }
}
