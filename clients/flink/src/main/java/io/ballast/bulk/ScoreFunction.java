package io.ballast.bulk;

import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.grpc.ManagedChannel;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;

/**
 * Asks a mesh about each batch. Flink bounds how many are under way, and keeps those in its
 * checkpoints: after a crash they are asked again, which changes nothing, for Score is idempotent.
 */
final class ScoreFunction extends RichAsyncFunction<Batch, ScoredBatch> {
  private static final long serialVersionUID = 1;

  private final MeshAddress address;
  private final ScoreRequest template;
  private final PinnedModel model;
  private final CallPolicy policy;
  private transient ManagedChannel channel;
  private transient ScheduledExecutorService timer;
  private transient BatchScorer scorer;

  @SuppressWarnings("NullAway.Init") // open() follows
  ScoreFunction(MeshAddress address, ScoreRequest template, PinnedModel model, CallPolicy policy) {
    this.address = address;
    this.template = template;
    this.model = model;
    this.policy = policy;
  }

  @Override
  public void open(OpenContext context) throws Exception {
    channel = address.open();
    timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("score-timer").factory());
    scorer = new BatchScorer(RewardServiceGrpc.newStub(channel), template, model, policy, timer);
  }

  @Override
  public void asyncInvoke(Batch batch, ResultFuture<ScoredBatch> result) {
    scorer
        .score(batch)
        .whenComplete(
            (scored, failure) -> {
              if (failure == null) {
                result.complete(List.of(scored));
              } else {
                result.completeExceptionally(
                    failure instanceof CompletionException ? failure.getCause() : failure);
              }
            });
  }

  @Override
  public void close() {
    if (channel != null) {
      channel.shutdownNow();
    }
    if (timer != null) {
      timer.shutdownNow();
    }
  }
}
