package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever follows a log waits without a place, and hears of what comes from this process. */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class FollowersTest {
  /** Together more than the server takes calls at once; a wave is not. */
  private static final int WAVES = 4;

  private static final int PER_WAVE = 80;

  /** Nobody looks by the clock: only what is announced wakes them. */
  private final TestMesh mesh = TestMesh.start(Map.of("ballast.policy.follow-interval", "PT24H"));

  @AfterEach
  void stop() {
    mesh.close();
  }

  private void accept(String key, String suggestion) {
    var unused =
        mesh.feedback()
            .recordFeedback(
                RecordFeedbackRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("", key))
                    .setEvent(
                        FeedbackEvent.newBuilder()
                            .setSuggestionId(suggestion)
                            .setAccepted(Accepted.getDefaultInstance()))
                    .build());
  }

  @Test
  void followersKeepNobodyOutAndAllGetWhatComes() throws Exception {
    String suggestion = mesh.suggest("a").getSuggestionId();
    accept("first", suggestion);
    List<Follower<?>> followers = new ArrayList<>();
    for (int wave = 0; wave < WAVES; wave++) {
      List<Follower<?>> arriving = new ArrayList<>();
      for (int i = 0; i < PER_WAVE; i++) {
        arriving.add(i % 2 == 0 ? followingRecords() : followingDecisions());
      }
      for (Follower<?> follower : arriving) {
        assertThat(follower.first.get(250, TimeUnit.SECONDS)).as("let in").isTrue();
      }
      followers.addAll(arriving);
    }

    accept("second", mesh.suggest("b").getSuggestionId());
    for (Follower<?> follower : followers) {
      assertThat(follower.second.get(250, TimeUnit.SECONDS)).isTrue();
    }
  }

  private Follower<StreamTrainingRecordsResponse> followingRecords() {
    Follower<StreamTrainingRecordsResponse> follower = new Follower<>();
    mesh.feedbackAsync()
        .streamTrainingRecords(
            StreamTrainingRecordsRequest.newBuilder().setFollow(true).build(), follower);
    return follower;
  }

  private Follower<StreamDecisionsResponse> followingDecisions() {
    Follower<StreamDecisionsResponse> follower = new Follower<>();
    mesh.feedbackAsync()
        .streamDecisions(StreamDecisionsRequest.newBuilder().setFollow(true).build(), follower);
    return follower;
  }

  /** Counts to two. */
  private static final class Follower<T> implements StreamObserver<T> {
    private final CompletableFuture<Boolean> first = new CompletableFuture<>();
    private final CompletableFuture<Boolean> second = new CompletableFuture<>();

    @Override
    public void onNext(T item) {
      if (!first.complete(true)) {
        second.complete(true);
      }
    }

    @Override
    public void onError(Throwable error) {
      first.complete(false);
      second.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      first.complete(false);
      second.complete(false);
    }
  }
}
