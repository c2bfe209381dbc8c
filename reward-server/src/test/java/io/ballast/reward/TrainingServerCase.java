package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.FakeFeedback;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.GetTrainingRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.TrainingFact;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.UploadChoice;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.LeftoverThreads;
import io.ballast.testing.ModuleInProcess;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A reward-server that trains, with the models that come along and a policy-server's feedback. */
abstract class TrainingServerCase {
  static final Path SHIPPED = Path.of("../models");

  @TempDir Path data;

  final FakeFeedback feedback = new FakeFeedback();
  Server policy;
  ModuleInProcess server;

  private final LeftoverThreads threads = new LeftoverThreads();
  private ManagedChannel policyChannel;
  private MeterRegistry meters = new SimpleMeterRegistry(); // of the server that started last

  @BeforeEach
  void start() throws IOException {
    String name = InProcessServerBuilder.generateName();
    policy = InProcessServerBuilder.forName(name).addService(feedback).build().start();
    policyChannel = InProcessChannelBuilder.forName(name).build();
    server = startServer(Map.of());
  }

  @AfterEach
  void stop() {
    server.close();
    policyChannel.shutdownNow();
    policy.shutdownNow();
    threads.assertNone();
  }

  ModuleInProcess startServer(Map<String, String> properties) {
    FixedRuntime runtime =
        new FixedRuntime(Role.REWARD_SERVER, List.of(data.resolve("models"), SHIPPED), data) {
          @Override
          public Channel peer(Role role) {
            assertThat(role).isEqualTo(Role.POLICY_SERVER);
            return policyChannel;
          }
        };
    meters = runtime.meters();
    return ModuleInProcess.start(new RewardModule(TestReward.properties(properties)), runtime);
  }

  /** How many trainings the server has counted since it started. */
  double started() {
    return meters.get("ballast.reward.trainings.started").counter().count();
  }

  /** How many it has counted as ended so. */
  double ended(String state) {
    return meters.get("ballast.reward.trainings.ended").tag("state", state).counter().count();
  }

  /** How long those took that ended so, as far as it is known. */
  Timer time(String state) {
    return meters.get("ballast.reward.trainings.time").tag("state", state).timer();
  }

  static TrainingOptions.Builder options() {
    return TrainingOptions.newBuilder().setMembersCount(2).setMaxEpochs(2);
  }

  static TrainingPlan.Builder plan(String name) {
    return TrainingPlan.newBuilder().setName(name).setOptions(options());
  }

  static TrainingPlan upload(String name) {
    return plan(name).setUpload(UploadChoice.newBuilder().setFileName("pairs.jsonl")).build();
  }

  static String pairs(int count) {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < count; i++) {
      rows.append(
          "{\"prompt\": \"int a%d = \", \"chosen\": \"%d;\", \"rejected\": \"%d,\"}\n"
              .formatted(i, i, i));
    }
    return rows.toString();
  }

  static StartTrainingRequest first(String key, TrainingPlan plan) {
    return StartTrainingRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey(key))
        .setPlan(plan)
        .build();
  }

  static StartTrainingRequest bytes(String text) {
    return StartTrainingRequest.newBuilder()
        .setFileBytes(ByteString.copyFrom(text, StandardCharsets.UTF_8))
        .build();
  }

  /** Starts a training, its file in pieces that end anywhere. */
  StartTrainingResponse start(String key, TrainingPlan plan, String rows) {
    Stream<StartTrainingRequest> pieces =
        rows.isEmpty()
            ? Stream.empty()
            : Stream.of(
                bytes(rows.substring(0, rows.length() / 3)),
                bytes(rows.substring(rows.length() / 3)));
    return startMessages(Stream.concat(Stream.of(first(key, plan)), pieces).toList());
  }

  StartTrainingResponse startMessages(List<StartTrainingRequest> messages) {
    Answer answer = new Answer();
    StreamObserver<StartTrainingRequest> requests = async().startTraining(answer);
    messages.forEach(requests::onNext);
    requests.onCompleted();
    return answer.join();
  }

  /** The answer to a StartTraining, which may be long in coming. */
  static final class Answer implements StreamObserver<StartTrainingResponse> {
    private final CompletableFuture<StartTrainingResponse> answer = new CompletableFuture<>();

    @Override
    public void onNext(StartTrainingResponse response) {
      answer.complete(response);
    }

    @Override
    public void onError(Throwable error) {
      answer.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {}

    StartTrainingResponse join() {
      try {
        return answer.orTimeout(120, TimeUnit.SECONDS).join();
      } catch (CompletionException e) {
        throw e.getCause() instanceof StatusRuntimeException status ? status : e;
      }
    }
  }

  /** Waits until a training has ended. */
  RewardTraining ended(RewardTraining begun) {
    return watch(begun.getTrainingId()).getLast();
  }

  List<RewardTraining> watch(String id) {
    List<RewardTraining> seen = new ArrayList<>();
    stub()
        .withDeadlineAfter(120, TimeUnit.SECONDS)
        .watchTraining(WatchTrainingRequest.newBuilder().setTrainingId(id).build())
        .forEachRemaining(each -> seen.add(each.getTraining()));
    return seen;
  }

  RewardTraining get(RewardTraining training, String tenant) {
    return stub()
        .getTraining(
            GetTrainingRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
                .setTrainingId(training.getTrainingId())
                .build())
        .getTraining();
  }

  static List<String> facts(RewardTraining training) {
    return training.getResult().getFactsList().stream()
        .map((TrainingFact fact) -> fact.getName() + ": " + fact.getValue())
        .toList();
  }

  ScoreResponse score(ModelSelector.Builder model) {
    return RewardServiceGrpc.newBlockingStub(server.channel())
        .score(
            ScoreRequest.newBuilder()
                .setRewardModel(model)
                .addItems(TestReward.item("x", "int a = ", "1;"))
                .build());
  }

  RewardTrainingServiceGrpc.RewardTrainingServiceBlockingStub stub() {
    return RewardTrainingServiceGrpc.newBlockingStub(server.channel());
  }

  RewardTrainingServiceGrpc.RewardTrainingServiceStub async() {
    return RewardTrainingServiceGrpc.newStub(server.channel());
  }
}
