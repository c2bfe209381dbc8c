package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.kit.runtime.Role;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.RepositoryIndexResponse;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.standalone.process.KillTable.Round;
import io.ballast.standalone.process.KillTable.Victim;
import io.ballast.standalone.process.SteadyLoad.Steady;
import io.ballast.testing.Await;
import io.ballast.testing.FaultProxy;
import io.ballast.testing.FaultProxy.Cut;
import io.ballast.testing.FaultProxy.Latency;
import io.ballast.testing.FaultProxy.Silence;
import io.ballast.testing.FaultProxy.Toxic;
import io.ballast.testing.FaultProxy.Trickle;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Four processes and their PostgreSQL are one mesh, and stay one whatever is killed, cut off or
 * full: no event that was acknowledged is lost or doubled, no number is another than before, runs
 * go on to their end, and calls soon go as before.
 */
class SplitMeshIT {
  /** How often processes are killed; what was seen goes to target/kill-rounds.md. */
  private static final int ROUNDS =
      Integer.getInteger("ballast.kill-rounds", 4 * Victim.values().length);

  /** How many suggestions are asked for under each fault of the network. */
  private static final int UNDER_A_FAULT = 5;

  /** Where an orchestrator keeps its name. */
  private static final String HOLDER = "orchestrator-holder";

  /** Of one file of PostgreSQL: more than a segment of its write-ahead log, and no whole page. */
  private static final long ROOM_BYTES = (18L << 20) + 100;

  /** Of a file of an orchestrator: more than its log, less than the weights of a run. */
  private static final long NO_ROOM_BYTES = 1 << 20;

  /** Of an event's text, which is a third longer and at most 65,536 bytes long. */
  private static final int TEXT_BYTES = 48_000;

  private static final String ACROSS_PROCESSES =
      """
      name: across-processes
      algorithm: GRPO
      iterations: 2
      seed: 11
      rollout: {prompts_per_iteration: 2, completions_per_prompt: 2, max_new_tokens: 8}
      constraint: {enabled: false}
      prompts: {inline: ["int size = ", "return "]}
      safety_test:
        threshold: 0.3
        max_new_tokens: 8
        prompts: {inline: ["int held = ", "for (", "if (", "while (", "try {", "throw "]}
      kl: {stop_at: 20}
      promotion: NEVER
      """;

  @TempDir private static Path data = Path.of(".");
  private static @Nullable SplitMesh started;

  @BeforeAll
  static void start() {
    started = SplitMesh.start(data);
  }

  @AfterAll
  static void stop() {
    if (started != null) {
      started.close();
    }
  }

  private static SplitMesh mesh() {
    if (started == null) {
      throw new IllegalStateException("the mesh has not started");
    }
    return started;
  }

  private static Channel channel(Role role) {
    return mesh().at(role).channel();
  }

  @Test
  void fourProcessesAreOneMesh() {
    SuggestResponse suggestion = TestCalls.suggest(channel(Role.POLICY_SERVER), "int size = list.");

    assertThat(suggestion.getDegradationsList()).isEmpty();
    assertThat(suggestion.getText()).as("%s", suggestion).isNotEmpty();
    assertThat(suggestion.getReward().hasValue()).isTrue();
    assertThat(suggestion.getCost().hasHarmProbability()).isTrue();
    assertThat(suggestion.getStageOne().hasModelVersion()).isTrue();
    assertThat(kserveModels(Role.POLICY_SERVER)).containsExactly("java-tiny");
    assertThat(kserveModels(Role.REWARD_SERVER))
        .contains("java-reward")
        .doesNotContain("java-cost");
    assertThat(kserveModels(Role.SAFETY_SERVER))
        .containsExactlyInAnyOrder("java-cost", "java-gate-context", "java-gate-suggestion");
    for (Role role : Role.values()) {
      String answer = mesh().at(role).post("/get_reward", RewardHttpIT.QUERY);
      assertThat(answer.startsWith("{\"rewards\":["))
          .as(role + ": " + answer)
          .isEqualTo(role == Role.REWARD_SERVER);
    }
    learns();
  }

  /** A run whose weights the other processes read as folders, the candidate's among them. */
  private static void learns() {
    Channel orchestrator = channel(Role.ORCHESTRATOR);

    String runId = TestCalls.create(orchestrator, ACROSS_PROCESSES);
    Run ended = TestCalls.awaitEnd(orchestrator, runId);

    assertThat(ended.getState())
        .as("%s", ended.getMessage())
        .isIn(RunState.RUN_STATE_HELD, RunState.RUN_STATE_NO_SOLUTION_FOUND);
    assertThat(TestCalls.run(orchestrator, runId).getIterationsList())
        .extracting(
            IterationMetrics::getIteration,
            iteration -> iteration.getSamplesCount() + iteration.getDroppedCount())
        .containsExactly(tuple(1, 4), tuple(2, 4));
    ModelVersion candidate = ended.getCandidateVersion();
    PolicyVersion known =
        TestCalls.version(
            channel(Role.POLICY_SERVER), candidate.getModel(), candidate.getVersion());
    assertThat(known.getVersion()).isEqualTo(candidate);
    assertThat(known.getRunId()).isEqualTo(runId);
    assertThat(
            data.resolve("models")
                .resolve(candidate.getModel())
                .resolve(candidate.getVersion())
                .resolve("model.safetensors"))
        .isNotEmptyFile();
  }

  @Test
  void aRewardServerLearnsFromTheFeedbackOfAnotherProcess() {
    RewardTrainingIT.react(channel(Role.POLICY_SERVER));
    RewardTrainingIT.assertLearns(channel(Role.REWARD_SERVER), "java-tiny/1");
  }

  /** The models that a process offers to KServe clients. */
  private static Set<String> kserveModels(Role role) {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel(role))
        .repositoryIndex(RepositoryIndexRequest.getDefaultInstance())
        .getModelsList()
        .stream()
        .map(RepositoryIndexResponse.ModelIndex::getName)
        .collect(Collectors.toSet());
  }

  @Test
  @Timeout(3_600)
  void whateverIsKilledNothingAcknowledgedIsLostOrDoubledAndCallsSoonGoAsBefore()
      throws IOException {
    MeshClients clients = MeshClients.start(mesh(), "killed");
    KillRounds kills;
    List<Round> rounds;
    try (clients) {
      kills = new KillRounds(mesh(), clients.load());
      rounds = kills.run(ROUNDS);
    }
    Map<String, Integer> acknowledged = clients.suggesting().acknowledged();
    KillTable table =
        new KillTable(
            rounds,
            kills.before().slow(),
            acknowledged,
            SuggestingClients.kept(channel(Role.POLICY_SERVER), acknowledged.keySet()),
            clients.numbers().different());
    Files.writeString(
        BuiltMesh.home().resolve("standalone/target/kill-rounds.md"),
        table.text() + "\nCallers were told: %s.\n".formatted(clients.load().failures()));

    clients.check();
    assertThat(rounds)
        .extracting(Round::recovered)
        .allSatisfy(each -> assertThat(each).isLessThan(SteadyLoad.LONGEST));
    assertThat(acknowledged).hasSizeGreaterThan(2 * ROUNDS);
    assertThat(table.lost()).isEmpty();
    assertThat(table.doubled()).isEmpty();
    clients.running().runs().forEach(SplitMeshIT::wentOnToItsEnd);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "ORCHESTRATOR") // which no server calls
  @Timeout(600)
  void aBadNetworkBeforeAServerLosesNoEventGivesNoWrongNumberAndCallsSoonGoAsBefore(Role server) {
    FaultProxy network = mesh().network(server);
    List<Toxic> toxics =
        List.of(
            new Latency(Duration.ofMillis(100), Duration.ofMillis(50)),
            new Trickle(400),
            new Cut(2_000),
            new Silence());
    MeshClients clients = MeshClients.start(mesh(), "cut%d_".formatted(server.ordinal()));
    List<Duration> recovered = new ArrayList<>();
    try (clients) {
      Steady before = clients.load().steady();
      for (Toxic toxic : toxics) {
        int round = clients.load().disturb();
        network.apply(toxic);
        Await.until(
            () -> network.hits() > 0 && clients.suggesting().away(round).size() >= UNDER_A_FAULT);
        network.heal();
        recovered.add(clients.load().await(before).after());
      }
    } finally {
      network.heal();
    }

    clients.check();
    clients.suggesting().assertKeptOnce(channel(Role.POLICY_SERVER));
    assertThat(recovered).allSatisfy(each -> assertThat(each).isLessThan(SteadyLoad.LONGEST));
    // clients call the policy-server itself: runs and safety tests alone call it by the network
    Set<String> away = server == Role.POLICY_SERVER ? Set.of() : Set.of(server.label());
    assertThat(clients.suggesting().away(toxics.size()))
        .as("who could not answer while nothing was heard of it")
        .contains(away);
    clients.running().runs().forEach(SplitMeshIT::wentOnToItsEnd);
  }

  @Test
  @Timeout(600)
  void aRunWhoseOrchestratorIsKilledGoesOnAtAnother(@TempDir Path folder) throws IOException {
    try (BuiltMesh other = mesh().secondOrchestrator(folder)) {
      String runId = TestCalls.create(channel(Role.ORCHESTRATOR), RunningClient.spec("moved"));
      TestCalls.awaitIterations(channel(Role.ORCHESTRATOR), runId, 1);
      String holder = mesh().holder(runId);
      assertThat(data.resolve(HOLDER)).hasContent(holder);

      mesh().at(Role.ORCHESTRATOR).kill();
      Await.until(() -> !mesh().holder(runId).equals(holder));
      assertThat(folder.resolve(HOLDER)).hasContent(mesh().holder(runId));
      RunningClient.assertWentOnToItsEnd(other.channel(), runId);
    } finally {
      mesh().restart(Role.ORCHESTRATOR);
    }
  }

  @Test
  @Timeout(600)
  void feedbackThatFindsNoRoomIsRefusedAndIsTakenWhenThereIsSome() throws IOException {
    Channel policy = channel(Role.POLICY_SERVER);
    SplittableRandom random = new SplittableRandom(8);
    MeshClients clients = MeshClients.start(mesh(), "refused");
    String suggestion;
    int acknowledged = 0;
    Duration recovered;
    try (clients) {
      Steady before = clients.load().steady();
      suggestion = TestCalls.suggest(policy, "return ").getSuggestionId();
      mesh().limitDatabase(ROOM_BYTES);
      String refused = longText(random);
      try {
        while (tell(policy, suggestion, acknowledged, refused)) {
          acknowledged++;
          refused = longText(random);
        }
        int round = clients.load().disturb();
        Await.until(() -> clients.suggesting().away(round).size() >= UNDER_A_FAULT);
      } finally {
        mesh().limitDatabase(FileLimit.NONE);
      }
      assertThat(tell(policy, suggestion, acknowledged, refused)).isTrue();
      recovered = clients.load().await(before).after();
    }

    clients.check();
    clients.suggesting().assertKeptOnce(policy);
    assertThat(SuggestingClients.kept(policy)).containsEntry(suggestion, acknowledged + 1L);
    assertThat(recovered).isLessThan(SteadyLoad.LONGEST);
    clients.running().runs().forEach(SplitMeshIT::wentOnToItsEnd);
  }

  @Test
  @Timeout(600)
  void aRunThatFindsNoRoomFailsAndGoesOnToItsEndWhenThereIsSome() throws IOException {
    MeshClients clients = MeshClients.start(mesh(), "full");
    Duration recovered;
    try (clients) {
      Steady before = clients.load().steady();
      var unused = clients.load().disturb();
      mesh().limitFiles(Role.ORCHESTRATOR, NO_ROOM_BYTES);
      try {
        Await.until(() -> !clients.running().failures().isEmpty());
      } finally {
        mesh().limitFiles(Role.ORCHESTRATOR, FileLimit.NONE);
      }
      recovered = clients.load().await(before).after();
    }

    clients.check();
    clients.suggesting().assertKeptOnce(channel(Role.POLICY_SERVER));
    assertThat(recovered).isLessThan(SteadyLoad.LONGEST);
    assertThat(clients.running().failures())
        .containsOnly("the folder of weights cannot be used: File too large");
    clients.running().runs().forEach(SplitMeshIT::goesOnToItsEnd);
  }

  /** Resumes a run that failed. */
  private static void goesOnToItsEnd(String runId) {
    Channel orchestrator = channel(Role.ORCHESTRATOR);
    if (TestCalls.awaitEnd(orchestrator, runId).getState() == RunState.RUN_STATE_FAILED) {
      var unused = TestCalls.resume(orchestrator, runId);
    }
    wentOnToItsEnd(runId);
  }

  /** Whether an event was acknowledged; if not, its sender was told that there is no room. */
  private static boolean tell(Channel policy, String suggestion, int number, String text) {
    try {
      RecordFeedbackResponse answer =
          TestCalls.tell(
              policy,
              "no room %d".formatted(number),
              FeedbackEvent.newBuilder()
                  .setSuggestionId(suggestion)
                  .setEdited(Edited.newBuilder().setKeptCharacters(1).setFinalText(text))
                  .build());
      assertThat(answer.getDuplicate()).isFalse();
      return true;
    } catch (StatusRuntimeException e) {
      assertThat(e)
          .hasMessageStartingWith("UNAVAILABLE: ")
          .hasMessageContaining("no room left on its disk: of this nothing was kept");
      return false;
    }
  }

  /** A text that no compression makes shorter. */
  private static String longText(RandomGenerator random) {
    byte[] bytes = new byte[TEXT_BYTES];
    random.nextBytes(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static void wentOnToItsEnd(String runId) {
    RunningClient.assertWentOnToItsEnd(channel(Role.ORCHESTRATOR), runId);
  }
}
