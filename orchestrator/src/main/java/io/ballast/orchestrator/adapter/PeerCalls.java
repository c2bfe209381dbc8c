package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.grpc.StatusRuntimeException;
import java.util.function.Supplier;

/** What every peer's messages have in common, in the core's words. */
final class PeerCalls {
  static final String POLICY_SERVER = "policy-server";
  static final String REWARD_SERVER = "reward-server";
  static final String SAFETY_SERVER = "safety-server";

  private PeerCalls() {}

  /** Returns what {@code call} answers; judges anew what it fails with. */
  static <T> T call(String peer, Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw judge(e, peer);
    }
  }

  /** What a peer's failure means to a run; how long it asks to wait is kept. */
  static RuntimeException judge(StatusRuntimeException thrown, String peer) {
    return PeerFaults.translate(thrown, peer);
  }

  /** A trainer asks, on behalf of {@code tenant}. */
  static RequestMetadata metadata(String tenant) {
    return metadata(tenant, "");
  }

  static RequestMetadata metadata(String tenant, String key) {
    return RequestMetadata.newBuilder()
        .setTenant(tenant)
        .setPriority(Priority.PRIORITY_TRAINER)
        .setIdempotencyKey(key)
        .build();
  }

  static ModelSelector selector(ModelRef model) {
    return ModelSelector.newBuilder().setModel(model.model()).setVersion(model.version()).build();
  }

  static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  /** Its text, as what would be shown is judged; the tokens if it has no text. */
  static TextOrTokens completion(io.ballast.orchestrator.core.rollout.SampledCompletion sampled) {
    return sampled.text().isEmpty()
        ? TextOrTokens.newBuilder().setTokens(tokens(sampled.tokens())).build()
        : text(sampled.text());
  }

  private static TokenSequence tokens(TokenIds ids) {
    TokenSequence.Builder sequence = TokenSequence.newBuilder();
    for (int i = 0; i < ids.size(); i++) {
      sequence.addTokenIds(ids.get(i));
    }
    return sequence.build();
  }

  static TokenIds tokens(TokenSequence sequence) {
    return TokenIds.of(sequence.getTokenIdsList().stream().mapToInt(Integer::intValue).toArray());
  }

  static String words(ItemFailure failure) {
    return failure.getReason().name().replace("FAILURE_REASON_", "") + ": " + failure.getMessage();
  }

  /** A peer that answers something which its contract does not allow. */
  static MeshException broken(String peer, String what) {
    return new MeshException(Fault.DEPENDENCY_BROKEN, peer + ": " + what);
  }
}
