package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.kit.runtime.Role;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training that a reward-server on a port of loopback does, as a person asks for it. */
class RemoteTrainingCommandTest {
  @TempDir private Path folder = Path.of(".");

  private final FakeMesh policy = new FakeMesh();
  private final ManagedChannel policyChannel =
      NettyChannelBuilder.forTarget(policy.address()).usePlaintext().build();
  private RewardModule module;
  private FixedRuntime runtime;
  private Server server;

  @BeforeEach
  void start() throws IOException {
    module =
        new RewardModule(
            new SmallRyeConfigBuilder()
                .withMapping(RewardProperties.class)
                .build()
                .getConfigMapping(RewardProperties.class));
    runtime =
        new FixedRuntime(
            Role.REWARD_SERVER,
            List.of(folder.resolve("data/models"), Path.of("../models")),
            folder.resolve("data")) {
          @Override
          public Channel peer(Role role) {
            return policyChannel;
          }

          @Override
          public InstantSource clock() {
            return InstantSource.fixed(Instant.parse("2026-11-27T12:00:00Z"));
          }
        };
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0));
    module.start(runtime).forEach(builder::addService);
    server = builder.build().start();
  }

  @AfterEach
  void stop() {
    server.shutdownNow();
    module.close();
    runtime.close();
    policyChannel.shutdownNow();
    policy.close();
  }

  @Test
  void aFileBecomesAVersionOfTheServerThatIsAskedAtOnce() throws IOException {
    assertThat(mesh("reward", "trainings").out())
        .contains("none; ./mesh reward train FILE --remote --name NAME starts one");

    Cli.Result trained = train(pairs(120, "").toString(), "--remote", "--name", "taste");

    assertThat(trained.err()).isEmpty();
    assertThat(trained.exit()).isZero();
    assertThat(trained.out())
        .contains(
            "sending the file: 100 %",
            "of taste/1 has begun; ./mesh reward trainings cancel ",
            "judgements: 120 pairs",
            "member 1",
            "published: taste/1");
    assertThat(folder.resolve("data/models/taste/1/golden.json")).exists();
    assertThat(
            mesh("score", "--model", "taste", "--version-id", "1", "--prompt", "int a = ", "1;")
                .exit())
        .isZero();

    Cli.Result listed = mesh("reward", "trainings");
    assertThat(listed.out()).contains("taste/1", "succeeded", "2026-11-27");
    JsonNode document = mesh("reward", "trainings", "list", "--json").json();
    assertThat(document.path("trainings").path(0).path("state").asText())
        .isEqualTo("TRAINING_STATE_SUCCEEDED");
    assertThat(mesh("reward", "trainings", "watch", "taste/1").out())
        .contains("published: taste/1");
    Cli.Result exists =
        train(pairs(1, "").toString(), "--remote", "--name", "taste/1", "--key", "another");
    assertThat(exists.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(exists.err()).contains("taste/1 is there already, and versions do not change");
  }

  @Test
  void filesOfSeveralObjectivesBecomeAVersionThatTellsThem() throws IOException {
    Path cost = Files.copy(pairs(120, ""), folder.resolve("cost.jsonl"));
    Cli.Result trained =
        train(
            "--objective",
            "love=" + pairs(120, ""),
            "--objective",
            "cost=" + cost,
            "--weight",
            "love=1",
            "--weight",
            "cost=-0.25",
            "--remote",
            "--name",
            "taste");

    assertThat(trained.err()).isEmpty();
    assertThat(trained.exit()).isZero();
    assertThat(trained.out())
        .contains(
            "sending the file: 100 %",
            "objectives, each standardised: 1.0·love − 0.25·cost",
            "cost (-0.25), on what trained nothing",
            "the weighted sum, worst member",
            "published: taste/1");
    Cli.Result scored =
        mesh("score", "--model", "taste", "--version-id", "1", "--prompt", "int a = ", "1;", "1,");
    assertThat(scored.exit()).isZero();
    assertThat(scored.out().lines().map(line -> line.replaceAll(" +", " ")))
        .anyMatch(line -> line.matches("1; love [+-][0-9.]+ \\+1\\.000 [0-9.]+ members .*"))
        .anyMatch(line -> line.matches("1, cost [+-][0-9.]+ -0\\.250 [0-9.]+ members .*"))
        .anyMatch(line -> line.contains("over taste/1"));

    Cli.Result bad =
        train(
            "--objective",
            "love=" + pairs(1, "no JSON\n"),
            "--weight",
            "love=1",
            "--remote",
            "--name",
            "other");
    assertThat(bad.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(bad.err()).contains("mesh: love: pairs.jsonl: 1 bad row: row 2: column ");
  }

  @Test
  void whatTheServerRefusesIsSaidInALine() throws IOException {
    Cli.Result bad = train(pairs(1, "no JSON\n").toString(), "--remote", "--name", "taste");
    assertThat(bad.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(bad.err())
        .contains("mesh: pairs.jsonl: 1 bad row: row 2: column ", "; --skip-bad leaves them out");
    Cli.Result little = train(pairs(1, "").toString(), "--remote", "--name", "taste");
    assertThat(little.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(little.out()).contains("failed: UNUSABLE_DATA: ");
    assertThat(train(pairs(1, "").toString(), "--name", "taste", "--detach").err())
        .contains("--detach, --key: only with --remote");
    assertThat(
            train(pairs(1, "").toString(), "--remote", "--name", "taste", "--threads", "2").err())
        .contains("--threads, --data: not with --remote");
    Cli.Result own =
        train(pairs(1, "").toString(), "--remote", "--name", "taste", "--own-blocks", "1");
    assertThat(own.exit()).isEqualTo(Exit.USAGE.code());
    assertThat(own.err())
        .contains(
            "--own-blocks: not with --remote: a server trains heads alone, since passes back");
  }

  @Test
  void aTrainingIsDetachedFoundAndCancelled() {
    policy.endlessRecords = true;
    Cli.Result begun = train("--from-feedback", "--remote", "--detach", "--name", "taste");
    assertThat(begun.exit()).isZero();
    assertThat(mesh("reward", "trainings").out()).contains("running", "reading feedback, 0");
    Cli.Result second = train("--from-feedback", "--remote", "--name", "other", "--key", "another");
    assertThat(second.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(second.err()).contains("of taste/1 runs; one runs at a time");

    assertThat(mesh("reward", "trainings", "cancel", "taste/1").out())
        .contains("taste/1: cancelled");

    assertThat(mesh("reward", "trainings", "watch", "taste/1").exit())
        .isEqualTo(Exit.FAILED.code());
    assertThat(mesh("reward", "trainings", "cancel", "nobody").err())
        .contains("no training nobody; ./mesh reward trainings list shows them");
    assertThat(mesh("reward", "trainings", "cancel", "").err())
        .contains("no training was named; ./mesh reward trainings list shows them");
    assertThat(folder.resolve("data/models/taste")).doesNotExist();
  }

  private Cli.Result train(String... args) {
    return mesh(
        Stream.concat(
                Stream.of("reward", "train", "--members", "2", "--epochs", "2"), Stream.of(args))
            .toArray(String[]::new));
  }

  private Cli.Result mesh(String... args) {
    return Cli.run(Path.of(".."), Map.of("BALLAST_TARGET", "127.0.0.1:" + server.getPort()), args);
  }

  private Path pairs(int count, String more) throws IOException {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < count; i++) {
      rows.append(
          "{\"prompt\": \"int a%d = \", \"chosen\": \"%d;\", \"rejected\": \"%d,\"}\n"
              .formatted(i, i, i));
    }
    return Files.writeString(folder.resolve("pairs.jsonl"), rows + more);
  }
}
