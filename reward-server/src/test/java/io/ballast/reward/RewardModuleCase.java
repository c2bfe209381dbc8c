package io.ballast.reward;

import io.ballast.kit.runtime.Role;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** A reward-server as a process starts it, with ensembles of model folders. */
abstract class RewardModuleCase {
  @TempDir Path empty;
  @TempDir Path models;
  @TempDir Path data;

  private final List<FixedRuntime> runtimes = new ArrayList<>();
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  final RewardModule module =
      new RewardModule(
          TestReward.properties(Map.of("ballast.reward.default-model", TinyReward.NAME)));

  @AfterEach
  void stop() {
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
    module.close();
    runtimes.forEach(FixedRuntime::close);
  }

  RewardServiceBlockingStub start() throws IOException {
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    FixedRuntime runtime = new FixedRuntime(Role.REWARD_SERVER, List.of(empty, models), data);
    runtimes.add(runtime);
    module.start(runtime).forEach(builder::addService);
    module.serving();
    servers.add(builder.build().start());
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    channels.add(channel);
    return RewardServiceGrpc.newBlockingStub(channel);
  }

  static ScoreResponse score(RewardServiceBlockingStub reward) {
    return reward.score(request());
  }

  static ScoreRequest request() {
    return ScoreRequest.newBuilder().addItems(TestReward.item("x", "int a", "= 1;")).build();
  }
}
