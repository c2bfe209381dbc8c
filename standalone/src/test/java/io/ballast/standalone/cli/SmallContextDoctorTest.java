package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.onnx.GoldenScores;
import io.ballast.kit.runtime.Role;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.standalone.pull.TinyClassifier;
import io.ballast.standalone.pull.TinyFolder;
import io.ballast.testing.FixedRuntime;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ensembles that read 32 tokens are examined with what they have room for, and as published. */
class SmallContextDoctorTest {
  private static final String MEMBER =
      """
      {"model": "judge", "version": "1", "score": {"kind": "logit"}, %s
       "input": {"form": "template", "template": "{prompt}{completion}", "special_tokens": false}}
      """;

  @TempDir private Path folder = Path.of(".");
  private final RewardModule module =
      new RewardModule(
          new SmallRyeConfigBuilder()
              .withMapping(RewardProperties.class)
              .build()
              .getConfigMapping(RewardProperties.class));
  private final List<Runnable> ends = new ArrayList<>();
  private int port;

  private void serve() throws IOException {
    Path data = folder.resolve(".ballast");
    FixedRuntime runtime =
        new FixedRuntime(Role.REWARD_SERVER, List.of(data.resolve("models")), data);
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0));
    module.start(runtime).forEach(builder::addService);
    Server server = builder.build().start();
    port = server.getPort();
    ends.addAll(List.of(server::shutdownNow, module::close, runtime::close));
  }

  @AfterEach
  void stop() {
    ends.forEach(Runnable::run);
  }

  private Cli.Result run(String... args) {
    return Cli.run(folder, Map.of(), args);
  }

  private void done(String... args) {
    Cli.Result result = run(args);
    assertThat(result.exit()).as(result.err()).isZero();
  }

  private Cli.Result examined(String model) {
    return Cli.run(
        folder,
        Map.of("BALLAST_TARGET", "127.0.0.1:" + port),
        "doctor",
        "reward",
        "--model",
        model,
        "--version-id",
        "1");
  }

  @ParameterizedTest
  @CsvSource({"--chat", "--tokens"})
  void aClassifierThatReadsTextsOrTokens(String form) throws IOException {
    done("pull", TinyClassifier.write(folder.resolve("judge")).toString());
    done("reward", "adopt", "judge", "--name", "taste", form);
    serve();

    Cli.Result examined = examined("taste");
    assertThat(examined.exit()).as(examined.out()).isZero();
    assertThat(examined.out())
        .doesNotContain("TOO_LONG")
        .contains("come out again", "three bad items fail alone, each with its reason");
    if (form.equals("--chat")) {
      assertThat(examined.out())
          .containsPattern("; too short for [0-9]+ of 30 items that doctor would");
    }
  }

  @Test
  void aMemberThatReadsLessThanAnotherIsNamedAndNoLostQuorum() throws IOException {
    done("pull", TinyClassifier.write(folder.resolve("judge")).toString());
    Path manifest =
        Files.writeString(
            folder.resolve("mine.json"),
            "{\"format\": \"ballast-brought-reward\", \"members\": [%s, %s]}"
                .formatted(MEMBER.formatted(""), MEMBER.formatted("\"max_tokens\": 10,")));
    done("reward", "adopt", "--manifest", manifest.toString(), "--name", "taste");
    serve();

    Cli.Result examined = examined("taste");
    assertThat(examined.exit()).as(examined.out()).isZero();
    assertThat(examined.out())
        .doesNotContain("QUORUM_LOST")
        .contains("2 members, quorum 2", "raise max_tokens in its manifest")
        .containsPattern(
            "look +ensemble.* too short for [0-9]+ of 30 items that doctor would ask about: member"
                + " 1, ");
  }

  @Test
  void goldenItemsThatWereCutWhenTheyWerePublishedAreCutAgain() throws IOException {
    done("pull", TinyFolder.write(folder.resolve("tiny")).toString());
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 80; i++) {
      rows.append(
          "{\"prompt\": \"// number %d of many, which is said at length\\nint a = \", \"chosen\": \"%d;\", \"rejected\": \"%d,\"}\n"
              .formatted(i, i, i));
    }
    Path pairs = Files.writeString(folder.resolve("pairs.jsonl"), rows);
    done(
        "reward",
        "train",
        pairs.toString(),
        "--trunk",
        "tiny",
        "--name",
        "taste",
        "--members",
        "2",
        "--epochs",
        "2",
        "--held-out",
        "20");
    Path published = folder.resolve(".ballast/models/taste/1");
    assertThat(GoldenScores.read(published).orElseThrow().items())
        .anySatisfy(
            item ->
                assertThat(item.prompt().size()).isGreaterThan(TinyFolder.CONFIG.contextTokens()));
    serve();

    Cli.Result examined = examined("taste");
    assertThat(examined.exit()).as(examined.out()).isZero();
    assertThat(examined.out()).doesNotContain("TOO_LONG").contains("come out again");
  }
}
