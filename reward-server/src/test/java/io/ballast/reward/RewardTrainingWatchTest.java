package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.reward.v1.CancelTrainingRequest;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.v1.WatchTrainingResponse;
import io.ballast.testing.Await;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever watches a training may leave. */
class RewardTrainingWatchTest extends TrainingServerCase {
  /** More than the server takes calls at once. */
  private static final int LEAVERS = 300;

  private static final int WATCHERS = 300;

  @Test
  void watchersWhoLeaveHurtNobodyAndGiveBackTheirPlaces() {
    feedback.endless = true;
    RewardTraining begun =
        start("k", plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(), "")
            .getTraining();
    CompletableFuture<List<RewardTraining>> stays =
        CompletableFuture.supplyAsync(() -> watch(begun.getTrainingId()));

    for (int i = 0; i < LEAVERS; i++) {
      Await.until(() -> isToldAndLeaves(begun));
    }
    assertThat(get(begun, "").getState()).isEqualTo(TrainingState.TRAINING_STATE_RUNNING);

    RewardTraining cancelled =
        stub()
            .cancelTraining(
                CancelTrainingRequest.newBuilder().setTrainingId(begun.getTrainingId()).build())
            .getTraining();
    assertThat(stays.join().getLast()).isEqualTo(cancelled);
    assertThat(cancelled.getState()).isEqualTo(TrainingState.TRAINING_STATE_CANCELLED);
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void watchersWhoStayKeepNobodyOutAndAllSeeTheEnd() throws Exception {
    feedback.endless = true;
    RewardTraining begun =
        start("k", plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(), "")
            .getTraining();
    List<Watcher> watchers = new ArrayList<>();
    while (watchers.size() < WATCHERS) {
      Watcher watcher = new Watcher();
      async()
          .watchTraining(
              WatchTrainingRequest.newBuilder().setTrainingId(begun.getTrainingId()).build(),
              watcher);
      if (watcher.isTold()) { // else those before it were told, and do not wait yet
        watchers.add(watcher);
      }
    }
    RewardTraining cancelled =
        stub()
            .cancelTraining(
                CancelTrainingRequest.newBuilder().setTrainingId(begun.getTrainingId()).build())
            .getTraining();

    for (Watcher watcher : watchers) {
      assertThat(watcher.last.get(60, TimeUnit.SECONDS)).isEqualTo(cancelled);
    }
  }

  /** Watches to the end. */
  private static final class Watcher implements StreamObserver<WatchTrainingResponse> {
    private final CompletableFuture<Boolean> told = new CompletableFuture<>();
    private final CompletableFuture<RewardTraining> last = new CompletableFuture<>();
    private volatile RewardTraining newest = RewardTraining.getDefaultInstance();

    /** Whether it was let in. */
    boolean isTold() throws Exception {
      return told.get(60, TimeUnit.SECONDS);
    }

    @Override
    public void onNext(WatchTrainingResponse response) {
      newest = response.getTraining();
      told.complete(true);
    }

    @Override
    public void onError(Throwable error) {
      told.complete(false);
      last.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      last.complete(newest);
    }
  }

  /** Whether there was a place; those of calls that were left come free a little later. */
  private boolean isToldAndLeaves(RewardTraining begun) {
    try (CancellableContext leaving = Context.current().withCancellation()) {
      WatchTrainingRequest request =
          WatchTrainingRequest.newBuilder().setTrainingId(begun.getTrainingId()).build();
      RewardTraining told =
          leaving.wrap(() -> stub().watchTraining(request).next().getTraining()).call();
      return told.getTrainingId().equals(begun.getTrainingId());
    } catch (StatusRuntimeException e) {
      assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      return false;
    } catch (Exception e) { // a callable may throw any
      throw new AssertionError(e);
    }
  }
}
