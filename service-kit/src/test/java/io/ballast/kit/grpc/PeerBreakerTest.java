package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.MeshException;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** When a call to a peer never leaves, and what is evidence on the peer. */
class PeerBreakerTest extends PeerChannelCase {
  @Test
  void aPeerIsNotToBlameForACallersShortDeadline() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    open.add(release::countDown);
    answer =
        () -> {
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    open.add(timer::shutdownNow);
    for (int i = 0; i < 4; i++) { // the breaker would open at two
      try (Context.CancellableContext caller =
          Context.ROOT.withDeadline(Deadline.after(100, TimeUnit.MILLISECONDS), timer)) {
        assertThatThrownBy(
                () -> caller.call(() -> stub(channel).score(ScoreRequest.getDefaultInstance())))
            .hasMessageStartingWith("DEADLINE_EXCEEDED");
      }
    }
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance()); // it would not leave
  }

  @Test
  void aProbeThatIsRefusedForLoadClosesTheBreaker() {
    answer =
        () -> {
          throw new IllegalStateException("a bug");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessageStartingWith("INTERNAL");
    }
    time.pass(Duration.ofSeconds(3));
    answer =
        () -> {
          throw new MeshException(io.ballast.kit.error.Fault.OVERLOADED, "busy");
        };
    for (int i = 0; i < 3; i++) { // it answers, whatever it says: it is there
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessage("RESOURCE_EXHAUSTED: busy");
    }
  }

  @Test
  void aPeerThatFailsIsNotCalledUntilItsBreakerTriesAgain() {
    answer =
        () -> {
          throw new IllegalStateException("a bug");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessageStartingWith("INTERNAL");
    }
    assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
        .hasMessage(
            "UNAVAILABLE: peer: breaker open, its last calls failed; it is tried again soon");
    assertThat(calls).hasValue(2);
    time.pass(Duration.ofSeconds(3));
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance());
    assertThat(calls).hasValue(3);
  }

  @Test
  void whatThePeerSaysAboutARequestDoesNotOpenTheBreaker() {
    answer =
        () -> {
          throw new MeshException(io.ballast.kit.error.Fault.UNKNOWN_MODEL, "no such model");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 10; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessage("NOT_FOUND: no such model");
    }
    assertThat(calls).hasValue(10);
  }

  @Test
  void oneCallTooManyIsRefusedWithoutWaiting() throws Exception {
    CountDownLatch inside = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    answer =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    var async = RewardServiceGrpc.newFutureStub(channel.channel());
    var first = async.score(ScoreRequest.getDefaultInstance());
    var second = async.score(ScoreRequest.getDefaultInstance());
    assertThat(inside.await(20, TimeUnit.SECONDS)).as("%s, %s", first, second).isTrue();
    assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
        .hasMessage("RESOURCE_EXHAUSTED: peer: 2 calls are under way, the limit");
    release.countDown();
    first.get(10, TimeUnit.SECONDS);
    second.get(10, TimeUnit.SECONDS);
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance());
  }

  @Test
  void aCallerThatCancelsGivesItsPlaceBack() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(2);
    answer =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    var async = RewardServiceGrpc.newFutureStub(channel.channel());
    var first = async.score(ScoreRequest.getDefaultInstance());
    var second = async.score(ScoreRequest.getDefaultInstance());
    assertThat(inside.await(20, TimeUnit.SECONDS)).as("%s, %s", first, second).isTrue();
    assertThat(first.cancel(true)).isTrue();
    assertThat(second.cancel(true)).isTrue();
    release.countDown();
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance());
  }

  @Test
  void aRefusedCallClosesItsListenerOnceWhateverTheCallerDoesWithIt() throws Exception {
    answer =
        () -> {
          throw new IllegalStateException("a bug");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .isInstanceOf(StatusRuntimeException.class);
    }
    ClientCall<ScoreRequest, ScoreResponse> call =
        channel.channel().newCall(RewardServiceGrpc.getScoreMethod(), CallOptions.DEFAULT);
    List<Status> closed = new CopyOnWriteArrayList<>();
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onClose(Status status, Metadata trailers) {
            closed.add(status);
          }
        },
        new Metadata());
    call.request(2);
    call.sendMessage(ScoreRequest.getDefaultInstance());
    call.halfClose();
    call.cancel("enough", null);
    assertThat(closed).extracting(Status::getCode).containsExactly(Status.Code.UNAVAILABLE);
  }
}
