package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.rpc.RetryInfo;
import io.ballast.kit.call.Lane;
import io.ballast.kit.resilience.LimitSettings;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A server admits as many calls of each lane as its limit says, and counts what it refuses. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class AdmissionTest extends MeshServerCase {
  private final AtomicLong nanos = new AtomicLong();
  private final CountDownLatch inside = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);

  private static LimitSettings limits(int initial, int least) {
    return new LimitSettings(
        initial, least, 16, Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(5));
  }

  private RewardServiceGrpc.RewardServiceBlockingStub limited(int initial, int least) {
    MeshServer server =
        start(MeshServer.Options.loopback(0), Optional.of(limits(initial, least)), nanos::get);
    ManagedChannel channel = channel(server);
    return RewardServiceGrpc.newBlockingStub(channel);
  }

  private static ScoreRequest of(Priority priority) {
    return ScoreRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setPriority(priority))
        .build();
  }

  private void hold() {
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
  }

  private double shed(String lane, String reason) {
    return meters
        .get("ballast.shed")
        .tags("server", "reward", "lane", lane, "reason", reason)
        .counter()
        .count();
  }

  private double limit(String lane) {
    return meters.get("ballast.limit").tags("server", "reward", "lane", lane).gauge().value();
  }

  private Timer waits(String lane) {
    return meters.get("ballast.limit.wait").tags("server", "reward", "lane", lane).timer();
  }

  private double inFlight(String lane) {
    return meters
        .get("ballast.limit.inflight")
        .tags("server", "reward", "lane", lane)
        .gauge()
        .value();
  }

  @Test
  void oneCallTooManyIsRefusedAndAPersonIsNotForABatchCall() throws Exception {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(1, 1);
    hold();
    var batch =
        RewardServiceGrpc.newFutureStub(rewards.getChannel()).score(of(Priority.PRIORITY_BATCH));
    inside.await();
    assertThat(inFlight("batch")).isEqualTo(1);

    assertThatThrownBy(() -> rewards.score(of(Priority.PRIORITY_BATCH)))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e ->
                assertThat(Objects.requireNonNull(StatusProto.fromThrowable(e)).getDetailsList())
                    .anyMatch(detail -> detail.is(RetryInfo.class)))
        .hasMessage(
            "RESOURCE_EXHAUSTED: reward: 1 calls of lane BATCH and more urgent ones are under way,"
                + " the limit for now; slow down");
    assertThat(shed("batch", "concurrency_limit")).isEqualTo(1);
    assertThat(shed("interactive", "queue_time")).as("there before it happens").isZero();
    work = ScoreResponse::getDefaultInstance;
    rewards.score(of(Priority.PRIORITY_INTERACTIVE));
    release.countDown();
    batch.get();
    rewards.score(of(Priority.PRIORITY_BATCH));
    assertThat(inFlight("batch")).isZero();
  }

  @Test
  void whatAsksNoModelIsNotLimited() throws Exception {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(1, 1);
    hold();
    var held =
        RewardServiceGrpc.newFutureStub(rewards.getChannel())
            .score(of(Priority.PRIORITY_INTERACTIVE));
    inside.await();

    assertThatThrownBy(() -> rewards.listRewardModels(ListRewardModelsRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNIMPLEMENTED"); // the test's service has nothing else to say
    release.countDown();
    held.get();
  }

  @Test
  void callsWhoseRequestsAreNotWholeKeepNobodyOut() throws Exception {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(1, 1);
    List<ClientCall<ScoreRequest, ScoreResponse>> open = new ArrayList<>();
    List<CompletableFuture<Status>> ends = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ClientCall<ScoreRequest, ScoreResponse> call =
          rewards.getChannel().newCall(RewardServiceGrpc.getScoreMethod(), CallOptions.DEFAULT);
      CompletableFuture<Status> end = new CompletableFuture<>();
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onClose(Status status, Metadata trailers) {
              end.complete(status);
            }
          },
          new Metadata());
      call.request(2);
      call.sendMessage(of(Priority.PRIORITY_INTERACTIVE));
      open.add(call);
      ends.add(end);
    }
    // one connection: what is answered now was sent after those messages
    assertThatThrownBy(() -> rewards.listRewardModels(ListRewardModelsRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNIMPLEMENTED");

    assertThat(rewards.score(of(Priority.PRIORITY_INTERACTIVE)))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(shed("interactive", "concurrency_limit")).isZero();
    for (int i = 0; i < open.size(); i++) {
      open.get(i).halfClose();
      assertThat(ends.get(i).get().getCode()).as("once it is whole").isEqualTo(Status.Code.OK);
    }
    assertThat(inFlight("interactive")).isZero();
  }

  /** Answers each request of a stream at once. */
  private static final class Inference
      extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    @Override
    public StreamObserver<ModelInferRequest> modelStreamInfer(
        StreamObserver<ModelStreamInferResponse> observer) {
      return new StreamObserver<>() {
        @Override
        public void onNext(ModelInferRequest request) {
          observer.onNext(ModelStreamInferResponse.getDefaultInstance());
        }

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {
          observer.onCompleted();
        }
      };
    }
  }

  @Test
  void aStreamOfRequestsTakesNoPlaceHoweverLongItIsOpen() throws Exception {
    MeshServer server =
        start(
            MeshServer.Options.loopback(0), Optional.of(limits(1, 1)), nanos::get, new Inference());
    var inference = GRPCInferenceServiceGrpc.newBlockingV2Stub(channel(server));

    var first = inference.modelStreamInfer();
    first.write(ModelInferRequest.getDefaultInstance());
    assertThat(first.read()).isEqualTo(ModelStreamInferResponse.getDefaultInstance());
    var second = inference.modelStreamInfer();
    second.write(ModelInferRequest.getDefaultInstance());
    assertThat(second.read()).isEqualTo(ModelStreamInferResponse.getDefaultInstance());
    first.halfClose();
    second.halfClose();
    assertThat(first.read()).isNull();
    assertThat(second.read()).isNull();
  }

  @Test
  void aCallerThatLeavesGivesItsPlaceBack() throws Exception {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(1, 1);
    hold();
    var leaves =
        RewardServiceGrpc.newFutureStub(rewards.getChannel())
            .score(of(Priority.PRIORITY_INTERACTIVE));
    inside.await();
    assertThat(leaves.cancel(true)).isTrue();
    while (inFlight("interactive") > 0) {
      Thread.onSpinWait();
    }

    work = ScoreResponse::getDefaultInstance;
    rewards.score(of(Priority.PRIORITY_INTERACTIVE));
    release.countDown();
  }

  @Test
  void theLimitFollowsWhatTheWorkOfCallsWaited() {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(10, 1);
    work =
        () -> {
          nanos.addAndGet(Duration.ofMillis(20).toNanos());
          ContextPatience.ofCurrentCall().waited(Duration.ofMillis(500));
          ContextPatience.ofCurrentCall().waited(Duration.ZERO); // a second batch of the call
          return ScoreResponse.getDefaultInstance();
        };
    for (int i = 0; i < 10; i++) {
      rewards.score(of(Priority.PRIORITY_INTERACTIVE));
    }

    assertThat(limit("interactive")).isEqualTo(9);
  }

  @Test
  void whatWaitedElsewhereComesOnTopOfWhatWaitedHere() {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(10, 1);
    work =
        () -> {
          ContextPatience patience = ContextPatience.ofCurrentCall();
          patience.waited(Duration.ofMillis(60));
          patience.waitedElsewhere(Duration.ofMillis(30));
          patience.waitedElsewhere(Duration.ofMillis(70)); // side by side
          return ScoreResponse.getDefaultInstance();
        };
    rewards.score(of(Priority.PRIORITY_INTERACTIVE));

    assertThat(waits("interactive").totalTime(TimeUnit.MILLISECONDS)).isEqualTo(130);
  }

  @Test
  void theLimitHearsOfTheWaitOfCallersThatLeft() throws Exception {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(10, 1);
    for (int i = 0; i < 10; i++) {
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch gone = new CountDownLatch(1);
      CountDownLatch told = new CountDownLatch(1);
      work =
          () -> {
            ContextPatience patience = ContextPatience.ofCurrentCall();
            begun.countDown();
            gone.await();
            nanos.addAndGet(Duration.ofMillis(20).toNanos());
            patience.waited(Duration.ofMillis(500));
            patience.waited(Duration.ofMillis(600)); // one sample a call
            told.countDown();
            return ScoreResponse.getDefaultInstance();
          };
      var leaves =
          RewardServiceGrpc.newFutureStub(rewards.getChannel())
              .score(of(Priority.PRIORITY_INTERACTIVE));
      begun.await();
      assertThat(leaves.cancel(true)).isTrue();
      while (inFlight("interactive") > 0) {
        Thread.onSpinWait();
      }
      gone.countDown();
      told.await();
      while (waits("interactive").count() <= i) { // its place was free a moment before
        Thread.onSpinWait();
      }
    }

    assertThat(limit("interactive")).isEqualTo(9);
    assertThat(waits("interactive").count()).isEqualTo(10);
  }

  @Test
  void whatIsRefusedForLoadFurtherInIsCountedToo() throws Exception {
    RewardServiceGrpc.RewardServiceBlockingStub rewards = limited(16, 1);
    CountDownLatch both = new CountDownLatch(2); // as many as the server takes at once
    work =
        () -> {
          both.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var async = RewardServiceGrpc.newFutureStub(rewards.getChannel());
    var first = async.score(of(Priority.PRIORITY_TRAINER));
    var second = async.score(of(Priority.PRIORITY_TRAINER));
    both.await();

    assertThatThrownBy(() -> rewards.score(of(Priority.PRIORITY_TRAINER)))
        .hasMessage("RESOURCE_EXHAUSTED: 2 calls are under way, the limit; slow down");
    assertThat(shed("trainer", "max_calls")).isEqualTo(1);
    release.countDown();
    first.get();
    second.get();
  }

  @Test
  void theLaneIsWhatTheRequestSaysAndInteractiveWhereItSaysNothing() {
    RequestMetadata trainer =
        RequestMetadata.newBuilder().setPriority(Priority.PRIORITY_TRAINER).build();
    SuggestRequest suggest = SuggestRequest.newBuilder().setMetadata(trainer).build();
    assertThat(Admission.laneOf(suggest)).contains(Lane.TRAINER);
    assertThat(Admission.laneOf(SuggestStreamRequest.newBuilder().setRequest(suggest).build()))
        .contains(Lane.TRAINER);
    assertThat(Admission.laneOf(ScoreRequest.getDefaultInstance())).contains(Lane.INTERACTIVE);
    assertThat(
            Admission.laneOf(
                ModelInferRequest.newBuilder()
                    .putParameters(
                        "priority", InferParameter.newBuilder().setUint64Param(3).build())
                    .build()))
        .contains(Lane.BATCH);
    assertThat(Admission.laneOf(ListRewardModelsRequest.getDefaultInstance()))
        .isEqualTo(Optional.empty());
    assertThat(Admission.serverOf("ballast.policy.v1.PolicyService")).isEqualTo("policy");
    assertThat(Admission.serverOf("inference.GRPCInferenceService")).isEqualTo("inference");
  }
}
