package io.ballast.bulk;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.github.resilience4j.retry.Retry;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** What is asked of a mesh. */
final class Mesh {
  /** Somebody waits who may have mistyped the address. */
  private static final int PROBES = 3;

  private Mesh() {}

  /** Returns a request without items, in the lane for which nobody waits. */
  static ScoreRequest template(JobSpec.Asked asked, ModelSelector model) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(
                RequestMetadata.newBuilder()
                    .setTenant(asked.tenant())
                    .setPriority(Priority.PRIORITY_BATCH))
            .setRewardModel(model);
    if (!asked.aggregation().isEmpty()) {
      request.setAggregation(
          Aggregation.newBuilder()
              .setMethod(
                  AggregationMethod.valueOf(
                      "AGGREGATION_METHOD_" + asked.aggregation().toUpperCase(Locale.ROOT))));
    }
    if (!asked.truncation().isEmpty()) {
      request.setTruncation(
          Truncation.valueOf("TRUNCATION_" + asked.truncation().toUpperCase(Locale.ROOT)));
    }
    return request.build();
  }

  static ModelSelector selector(JobSpec.Asked asked) {
    int slash = asked.model().indexOf('/');
    return slash < 0
        ? ModelSelector.newBuilder().setModel(asked.model()).build()
        : ModelSelector.newBuilder()
            .setModel(asked.model().substring(0, slash))
            .setVersion(asked.model().substring(slash + 1))
            .build();
  }

  /**
   * Scores one short item, to know before the job begins that the mesh can be asked so, and which
   * version an alias means.
   *
   * @throws StoppedException with the mesh's words, if it cannot
   */
  static PinnedModel probe(MeshAddress address, CallPolicy policy, ScoreRequest template)
      throws IOException, StoppedException {
    ManagedChannel channel = address.open();
    try {
      ScoreItem item =
          ScoreItem.newBuilder()
              .setPrompt(TextOrTokens.newBuilder().setText("1 + 1 ="))
              .setCompletion(TextOrTokens.newBuilder().setText(" 2"))
              .build();
      ScoreRequest request = template.toBuilder().addItems(item).build();
      Retry retry =
          Retry.of("probe", policy.withAttemptsAtMost(PROBES).<ScoreResponse>retries().build());
      return PinnedModel.of(
          retry
              .executeSupplier(
                  () ->
                      RewardServiceGrpc.newBlockingStub(channel)
                          .withDeadlineAfter(policy.timeout().toNanos(), TimeUnit.NANOSECONDS)
                          .score(request))
              .getModelVersion());
    } catch (StatusRuntimeException e) {
      Refusal refusal = Refusal.of(e);
      throw new StoppedException(
          refusal.mayPass() ? 3 : 1,
          "%s: Score: %s%s"
              .formatted(
                  address.target(),
                  refusal,
                  refusal.code() == Status.Code.UNIMPLEMENTED
                      ? " (expected: a mesh, or the reward-server of a split one)"
                      : ""));
    } finally {
      channel.shutdownNow();
    }
  }
}
