package io.ballast.reward;

import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.FakeFeedback;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.UploadChoice;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.fuzz.FuzzedServer;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * As {@link FuzzedRequestsTest}, of a server that trains. No training comes of an input: none has a
 * file of judgements, and nobody has said anything that could be learned from.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedTrainingTest {
  private static final long SEED = 8;
  private static final Path SHIPPED = Path.of("../models");

  @TempDir static Path data = Path.of("");

  private static Server policy;
  private static ManagedChannel policyChannel;
  private static FixedRuntime runtime;
  private static RewardModule module;
  private static FuzzedServer server;

  @BeforeAll
  static void start() throws IOException {
    String name = InProcessServerBuilder.generateName();
    policy = InProcessServerBuilder.forName(name).addService(new FakeFeedback()).build().start();
    policyChannel = InProcessChannelBuilder.forName(name).build();
    runtime =
        new FixedRuntime(Role.REWARD_SERVER, List.of(data.resolve("models"), SHIPPED), data) {
          @Override
          public Channel peer(Role role) {
            return policyChannel;
          }
        };
    module = new RewardModule(TestReward.properties(Map.of()));
    TrainingPlan plan =
        TrainingPlan.newBuilder()
            .setName("fuzzed")
            .setOptions(TrainingOptions.newBuilder().setMembersCount(2).setMaxEpochs(1))
            .setUpload(UploadChoice.newBuilder().setFileName("pairs.jsonl"))
            .build();
    server =
        FuzzedServer.start(
                module.start(runtime).stream()
                    .filter(
                        service ->
                            service
                                .bindService()
                                .getServiceDescriptor()
                                .getName()
                                .equals(RewardTrainingServiceGrpc.SERVICE_NAME))
                    .toList(),
                List.of(),
                Map.of("tenant", List.of("", "default"), "file_name", List.of("pairs.jsonl")),
                List.of())
            .good(
                RewardTrainingServiceGrpc.getListTrainingsMethod(),
                ListTrainingsRequest.getDefaultInstance())
            .like(
                RewardTrainingServiceGrpc.getStartTrainingMethod(),
                StartTrainingRequest.newBuilder()
                    .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey("k"))
                    .setPlan(plan)
                    .build());
  }

  @AfterAll
  static void stop() {
    server.close();
    module.close();
    runtime.close();
    policyChannel.shutdownNow();
    policy.shutdownNow();
  }

  @Test
  void messagesOfEveryKindOfFlaw() {
    server.assertTyped(SEED);
  }
}
