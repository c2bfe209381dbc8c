package io.ballast.policy.adapter;

import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.core.suggest.Degradation;
import io.ballast.policy.core.suggest.PeerUnavailableException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** What every peer's messages have in common, in the core's words. */
final class PeerMessages {
  static final String SAFETY_SERVER = Degradation.SAFETY_SERVER;
  static final String REWARD_SERVER = Degradation.REWARD_SERVER;

  private PeerMessages() {}

  /** Who asks; without the idempotency key, which protects the caller's own request only. */
  static RequestMetadata metadata(Caller caller) {
    return RequestMetadata.newBuilder()
        .setRequestId(caller.requestId())
        .setTenant(caller.tenant())
        .setPriority(MeshMessages.priority(caller.lane()))
        .build();
  }

  static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  static ItemFault fault(ItemFailure failure) {
    return new ItemFault(MeshMessages.reason(failure.getReason()), failure.getMessage());
  }

  static io.ballast.mesh.v1.StopReason stopReason(StopReason reason) {
    return switch (reason) {
      case END_OF_TEXT -> io.ballast.mesh.v1.StopReason.STOP_REASON_END_OF_TEXT;
      case STOP_STRING -> io.ballast.mesh.v1.StopReason.STOP_REASON_STOP_STRING;
      case MAX_TOKENS -> io.ballast.mesh.v1.StopReason.STOP_REASON_MAX_TOKENS;
      case CONTEXT_FULL -> io.ballast.mesh.v1.StopReason.STOP_REASON_CONTEXT_FULL;
      case CANCELLED -> io.ballast.mesh.v1.StopReason.STOP_REASON_CANCELLED;
      case STOP_TOKEN -> io.ballast.mesh.v1.StopReason.STOP_REASON_STOP_TOKEN;
      case GRAMMAR_COMPLETE -> io.ballast.mesh.v1.StopReason.STOP_REASON_GRAMMAR_COMPLETE;
      case GRAMMAR_INCOMPLETE -> io.ballast.mesh.v1.StopReason.STOP_REASON_GRAMMAR_INCOMPLETE;
    };
  }

  /** The failure of a call to {@code peer}: it did not answer, or called our request wrong. */
  static PeerUnavailableException unavailable(String peer, Throwable cause) {
    Status status =
        cause instanceof StatusRuntimeException known
            ? known.getStatus()
            : Status.fromThrowable(cause);
    String description = status.getDescription();
    String message =
        description == null
            ? status.getCode().name()
            : "%s: %s".formatted(status.getCode(), description);
    return new PeerUnavailableException(peer, message, cause);
  }

  /** The failure of a peer that answered with something that cannot be used. */
  static PeerUnavailableException broken(String peer, String flaw) {
    return new PeerUnavailableException(
        peer, "unusable answer: " + flaw, new IllegalStateException(flaw));
  }
}
