package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.FrozenDecoder;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.core.learner.GroupGradients;
import io.ballast.orchestrator.core.learner.GroupLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.testing.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights in training are what their options say, on the real engine. */
class TorchTraineeTest {
  private static final List<TrainingGroup> GROUPS =
      List.of(
          new TrainingGroup(
              TokenIds.of(3, 17, 5),
              List.of(
                  TrainingCompletion.ofTokens(TokenIds.of(1, 2, 3)),
                  TrainingCompletion.ofTokens(TokenIds.of(30)))));
  private static final TraineeOptions PLAIN = TraineeOptions.of(OptimizerSettings.ofRate(1e-2));

  /** Pulls every value and every log-probability up. */
  private static final class PullUp implements GroupLoss {
    private final boolean values;

    PullUp(boolean values) {
      this.values = values;
    }

    @Override
    public GroupGradients gradients(int index, GroupScores current) {
      List<PerToken> down =
          current.logProbs().stream()
              .map(
                  of -> {
                    float[] ones = new float[of.size()];
                    Arrays.fill(ones, -1);
                    return PerToken.of(ones);
                  })
              .toList();
      return values
          ? new GroupGradients(down, List.of(), down)
          : new GroupGradients(down, List.of());
    }

    @Override
    public double value() {
      return 0;
    }

    @Override
    public Map<String, Double> metrics() {
      return Map.of();
    }
  }

  @TempDir private Path root;
  private ModelFolders folders;
  private TorchTraineeLoader loader;

  @BeforeEach
  void aModel() {
    TinyModel.writeTo(root.resolve("models"));
    folders = new ModelFolders(List.of(root.resolve("models")), root.resolve("learner"));
    loader = loader(1L << 30);
  }

  private TorchTraineeLoader loader(long bytes) {
    return loader(bytes, 1);
  }

  private TorchTraineeLoader loader(long bytes, int trainees) {
    return new TorchTraineeLoader(
        folders, Arithmetic.FLOAT32, 4, 8, 1, new TorchTraineeLoader.Memory(bytes, trainees));
  }

  private Trainee open(TraineeOptions options) {
    return loader.load(new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, ""), options);
  }

  private static double train(Trainee trainee, boolean values) {
    var unused = trainee.forwardBackward(GROUPS, new PullUp(values));
    return trainee.step(1e-2);
  }

  @Test
  void aCriticSaysAndLearnsValues() {
    try (Trainee trainee = open(PLAIN.withCritic(true))) {
      GroupScores before = trainee.scores(GROUPS, WhichWeights.CURRENT).getFirst();
      assertThat(before.values()).containsExactly(PerToken.of(0, 0, 0), PerToken.of(0));
      assertThat(train(trainee, true)).isPositive();
      GroupScores after = trainee.scores(GROUPS, WhichWeights.CURRENT).getFirst();
      assertThat(after.values().getFirst().sum()).isGreaterThan(0.01);
      // both completions begin in the same state
      assertThat(after.values().getLast().get(0)).isEqualTo(after.values().getFirst().get(0));
      assertThat(trainee.scores(GROUPS, WhichWeights.REFERENCE).getFirst().values()).isEmpty();
    }
  }

  @Test
  void withoutACriticThereAreNoValues() {
    try (Trainee trainee = open(PLAIN)) {
      assertThat(trainee.scores(GROUPS, WhichWeights.CURRENT).getFirst().values()).isEmpty();
      assertThatThrownBy(() -> train(trainee, true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("gradients[0].byValues: ");
    }
  }

  @Test
  void whatIsPublishedHasNoCritic() throws IOException {
    try (Trainee trainee = open(PLAIN.withCritic(true))) {
      var unused = train(trainee, true);
      trainee.publish(root.resolve("published"), WhichWeights.CURRENT);
      assertThat(names(root.resolve("published")))
          .isEqualTo(names(root.resolve("models").resolve(TinyModel.NAME).resolve("1")));
    }
  }

  @Test
  void whatIsHandedOverIsWhatWouldBePublishedUntilItIsClosed() {
    HandedCopies copies = new HandedCopies();
    loader = loader.handingTo(copies);
    for (TraineeOptions options :
        List.of(PLAIN.withCritic(true), PLAIN.withAdapters(adapters(2)))) {
      try (Trainee trainee = open(options)) {
        String name = options.adapters().isPresent() ? "adapted" : "whole";
        for (int i = 1; i <= 3; i++) {
          var unused = train(trainee, options.critic());
          String version = name + "-" + i;
          PinnedVersion handed = trainee.handOver("rollout", version).orElseThrow();
          assertThat(trainee.handOver("rollout", version)).as("again").contains(handed);
          assertThat(
                  folders.publish(
                      "rollout",
                      version,
                      Map.of(),
                      folder -> trainee.publish(folder, WhichWeights.CURRENT)))
              .isEqualTo(handed);
        }
        assertThatThrownBy(
                () -> {
                  var unused = train(trainee, options.critic());
                  var unusedVersion = trainee.handOver("rollout", name + "-3");
                })
            .isInstanceOfSatisfying(
                MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.ALREADY_EXISTS));
        assertThat(copies.find("rollout", name + "-1")).isEmpty();
      }
      assertThat(copies.find("rollout", "whole-3")).isEmpty();
      assertThat(copies.find("rollout", "adapted-3")).isEmpty();
    }
  }

  @Test
  void theLastTwoThatWereHandedOverAreThere() {
    HandedCopies copies = new HandedCopies();
    loader = loader.handingTo(copies);
    try (Trainee trainee = open(PLAIN)) {
      for (String version : List.of("1", "2", "3")) {
        assertThat(trainee.handOver("rollout", version)).isPresent();
      }
      assertThat(copies.find("rollout", "1")).isEmpty();
      for (String version : List.of("2", "3")) {
        copies.find("rollout", version).orElseThrow().close();
      }
    }
    assertThat(copies.find("rollout", "3")).isEmpty();
  }

  @Test
  void withoutSomebodyToHandToOrTheRoomForItNothingIsHandedOver() {
    PinnedVersion base = new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, "");
    long needed = loader.memoryBytes(base, PLAIN);
    // passes keep a quarter of what there is
    HandedCopies copies = new HandedCopies();
    try (Trainee alone = open(PLAIN);
        Trainee roomy = loader(needed * 4 / 3 + 2).handingTo(copies).load(base, PLAIN);
        Trainee narrow = loader(needed * 4 / 3 - 2).handingTo(copies).load(base, PLAIN)) {
      assertThat(alone.handOver("rollout", "1")).isEmpty();
      assertThat(narrow.handOver("rollout", "1")).isEmpty();
      assertThat(copies.find("rollout", "1")).isEmpty();
      assertThat(roomy.handOver("rollout", "1")).isPresent();
    }
  }

  @Test
  void anAverageLagsBehindAndIsPublishedLikeTheWeights() throws IOException {
    try (Trainee trainee = open(PLAIN.withAverage(0.5))) {
      GroupScores first = trainee.scores(GROUPS, WhichWeights.CURRENT).getFirst();
      var unused = train(trainee, false);
      GroupScores current = trainee.scores(GROUPS, WhichWeights.CURRENT).getFirst();
      GroupScores average = trainee.scores(GROUPS, WhichWeights.AVERAGE).getFirst();
      assertThat(average.logProbs().getLast().get(0))
          .isStrictlyBetween(
              first.logProbs().getLast().get(0), current.logProbs().getLast().get(0));
      assertThat(average).isNotEqualTo(current);
      trainee.publish(root.resolve("models/tiny/average"), WhichWeights.AVERAGE);
      try (Trainee published =
          loader.load(new PinnedVersion(TinyModel.NAME, "average", ""), PLAIN)) {
        assertThat(published.scores(GROUPS, WhichWeights.CURRENT)).containsExactly(average);
      }
    }
  }

  @Test
  void anAverageThatIsNotKeptCannotBeAskedFor() {
    try (Trainee trainee = open(PLAIN)) {
      assertThatThrownBy(() -> trainee.scores(GROUPS, WhichWeights.AVERAGE))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
          .hasMessageContaining("no average is kept");
      assertThatThrownBy(() -> trainee.publish(root.resolve("no"), WhichWeights.AVERAGE))
          .hasMessageContaining("no average is kept");
      assertThatThrownBy(() -> trainee.publish(root.resolve("no"), WhichWeights.REFERENCE))
          .hasMessage("weights: REFERENCE (expected: CURRENT or AVERAGE)");
    }
    assertThatThrownBy(() -> PLAIN.withAverage(1))
        .hasMessage("average_decay: 1.0 (expected: ≥ 0 and < 1)");
  }

  @Test
  void aGroupThatMemoryWouldNotHoldIsRefusedBeforeAnythingIsComputed() {
    PinnedVersion base = new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, "");
    // D = 16, inner 24, one block, V = 257, in 4 bytes: 256 + 384 + 256 + 512 = 1,408 a token
    // and 257·4 = 1,028 for the head, so seven take 7·2,436 + 7·7·4 = 17,248; the weights leave
    // less than a quarter
    try (Trainee six = loader(4 * 17_247).load(base, PLAIN);
        Trainee seven = loader(4 * 17_248).load(base, PLAIN)) {
      // three of the prompt, three and one of the completions
      assertThat(seven.scores(GROUPS, WhichWeights.CURRENT)).hasSize(1);
      assertThat(train(seven, false)).isPositive();
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () -> six.scores(GROUPS, WhichWeights.CURRENT),
              () -> six.scores(GROUPS, WhichWeights.REFERENCE),
              () -> six.forwardBackward(GROUPS, new PullUp(false)))) {
        assertThatThrownBy(call)
            .isInstanceOfSatisfying(
                MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
            .hasMessage(
                "groups[0]: 7 tokens, limit 6: a pass over them takes more memory than this may"
                    + " have (17,248 bytes, limit 17,247)");
      }
    }
  }

  @Test
  void memoryIsDividedByAllThatIsTrainedAtATime() {
    assertThat(new TorchTraineeLoader.Memory(1_200, 1).passBytes(500)).isEqualTo(700);
    // three have 400 each: of which the weights leave 300, or nothing, and then it is a quarter
    assertThat(new TorchTraineeLoader.Memory(1_200, 3).passBytes(100)).isEqualTo(300);
    assertThat(new TorchTraineeLoader.Memory(1_200, 3).passBytes(500)).isEqualTo(100);
    assertThatThrownBy(() -> new TorchTraineeLoader.Memory(1_200, 0))
        .hasMessage("memory: 1,200 bytes for 0 trainees (expected: ≥ 1, ≥ 1)");
    PinnedVersion base = new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, "");
    try (Trainee six = loader(3 * 4 * 17_247, 3).load(base, PLAIN);
        Trainee seven = loader(3 * 4 * 17_248, 3).load(base, PLAIN)) {
      assertThat(seven.scores(GROUPS, WhichWeights.CURRENT)).hasSize(1);
      assertThatThrownBy(() -> six.scores(GROUPS, WhichWeights.CURRENT))
          .hasMessageStartingWith("groups[0]: 7 tokens, limit 6");
    }
  }

  @Test
  void withOtherMemoryOtherGroupsFitAndTheBaseIsTheSame() throws IOException {
    PinnedVersion base = new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, "");
    TraineeOptions options = PLAIN.withAdapters(adapters(2));
    TorchTraineeLoader narrow = loader(4 * 17_247);
    TorchTraineeLoader wide = narrow.with(new TorchTraineeLoader.Memory(4 * 17_248, 1));
    try (Trainee six = narrow.load(base, options)) {
      // what is in memory for the one is not read again for the other
      Files.delete(root.resolve("models/tiny/1").resolve(ModelManifest.WEIGHTS));
      try (Trainee seven = wide.load(base, options)) {
        assertThat(seven.scores(GROUPS, WhichWeights.REFERENCE)).hasSize(1);
        assertThatThrownBy(() -> six.scores(GROUPS, WhichWeights.REFERENCE))
            .hasMessageStartingWith("groups[0]: 7 tokens, limit 6");
      }
    }
  }

  @Test
  void whatFailsToOpenGivesItsBaseBack() {
    SharedBases bases = new SharedBases(Arithmetic.FLOAT32);
    StoredModel stored = folders.stored(TinyModel.NAME, TinyModel.VERSION);
    SharedBases.Lease held = bases.lease(stored.folder());
    assertThatThrownBy(() -> trainee(stored, bases, PLAIN.withAdapters(adapters(17))))
        .hasMessageStartingWith("rank: 17 (expected: ≤ 16");
    held.close();
    try (SharedBases.Lease again = bases.lease(stored.folder())) {
      assertThat(again.decoder()).isNotSameAs(held.decoder());
    }
  }

  @Test
  void whatIsClosedGivesItsBaseBackAndNobodyElses() {
    SharedBases bases = new SharedBases(Arithmetic.FLOAT32);
    StoredModel stored = folders.stored(TinyModel.NAME, TinyModel.VERSION);
    FrozenDecoder shared;
    try (Trainee plain = trainee(stored, bases, PLAIN)) {
      List<GroupScores> reference = plain.scores(GROUPS, WhichWeights.REFERENCE);
      try (Trainee adapting = trainee(stored, bases, PLAIN.withAdapters(adapters(2)));
          SharedBases.Lease seen = bases.lease(stored.folder())) {
        shared = seen.decoder();
        assertThat(adapting.scores(GROUPS, WhichWeights.REFERENCE)).isEqualTo(reference);
      }
      assertThat(plain.scores(GROUPS, WhichWeights.REFERENCE)).isEqualTo(reference);
    }
    assertThatThrownBy(() -> shared.scores(List.of()))
        .isInstanceOf(ModelException.class)
        .hasMessage("the decoder is closed");
  }

  private static Trainee trainee(StoredModel stored, SharedBases bases, TraineeOptions options) {
    return TorchTrainee.open(stored, bases, ServingOptions.defaults(), options, 1, 1 << 20, null);
  }

  @Test
  void adaptersLearnOnASharedBaseAndArePublishedWithIt() throws IOException {
    TraineeOptions options = PLAIN.withAdapters(adapters(2)).withCritic(true);
    Path file = root.resolve("checkpoint.safetensors");
    try (Trainee first = open(options);
        Trainee second = open(options)) {
      List<GroupScores> reference = first.scores(GROUPS, WhichWeights.REFERENCE);
      assertThat(first.scores(GROUPS, WhichWeights.CURRENT).getFirst().logProbs())
          .isEqualTo(reference.getFirst().logProbs());
      assertThat(train(first, true)).isPositive();
      GroupScores trained = first.scores(GROUPS, WhichWeights.CURRENT).getFirst();
      assertThat(trained.logProbs().getLast().get(0))
          .isGreaterThan(reference.getFirst().logProbs().getLast().get(0));
      assertThat(trained.values().getLast().get(0)).isPositive();
      // nothing of it reaches the base, or the other
      assertThat(first.scores(GROUPS, WhichWeights.REFERENCE)).isEqualTo(reference);
      assertThat(second.scores(GROUPS, WhichWeights.CURRENT).getFirst().logProbs())
          .isEqualTo(reference.getFirst().logProbs());

      first.checkpoint(file);
      second.restore(file);
      assertThat(train(second, true)).isEqualTo(train(first, true));
      assertThat(second.scores(GROUPS, WhichWeights.CURRENT))
          .isEqualTo(first.scores(GROUPS, WhichWeights.CURRENT));

      first.publish(root.resolve("models/tiny/adapted"), WhichWeights.CURRENT);
      assertThat(names(root.resolve("models/tiny/adapted")))
          .isEqualTo(names(root.resolve("models/tiny/1")));
      try (Trainee published =
          loader.load(new PinnedVersion(TinyModel.NAME, "adapted", ""), PLAIN)) {
        float[] merged =
            published
                .scores(GROUPS, WhichWeights.CURRENT)
                .getFirst()
                .logProbs()
                .getFirst()
                .toArray();
        assertThat(
                first
                    .scores(GROUPS, WhichWeights.CURRENT)
                    .getFirst()
                    .logProbs()
                    .getFirst()
                    .toArray())
            .containsExactly(merged, within(1e-4f));
        // the engine of a session samples from the merged weights too
        PerToken sampled =
            first
                .sampler()
                .logProbs(
                    List.of(
                        new PromptAndCompletion(GROUPS.getFirst().prompt(), TokenIds.of(1, 2, 3))))
                .getFirst();
        assertThat(sampled.toArray()).containsExactly(merged, within(1e-4f));
      }
    }
  }

  private static AdapterSettings adapters(int rank) {
    return new AdapterSettings(rank, 4, Set.of(Projection.Q_PROJ, Projection.DOWN_PROJ), 1);
  }

  @Test
  void adaptersTakeLittleBesideTheBaseThatTheyShare() {
    PinnedVersion base = new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, "");
    TraineeOptions options = PLAIN.withAdapters(adapters(2));
    assertThat(loader.sharedBytes(base, PLAIN)).isZero();
    assertThat(loader.sharedBytes(base, options)).isPositive();
    // q: 2·(16 + 16), down: 2·(16 + 24) numbers, 20 bytes each, and 10 for each of the base's
    long weights = loader.sharedBytes(base, options) / 6;
    assertThat(loader.memoryBytes(base, options)).isEqualTo(144 * 20 + 10 * weights);
    assertThat(loader.memoryBytes(base, options)).isLessThan(loader.memoryBytes(base, PLAIN) / 3);
  }

  @Test
  void eachLaneButTheFirstTakesGradients() {
    PinnedVersion base = new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, "");
    TorchTraineeLoader onThree =
        new TorchTraineeLoader(
            folders, Arithmetic.FLOAT32, 4, 8, 3, new TorchTraineeLoader.Memory(1L << 30, 1));
    TraineeOptions adapting = PLAIN.withAdapters(adapters(2));
    long weights = loader.sharedBytes(base, adapting) / 6;

    assertThat(onThree.memoryBytes(base, PLAIN))
        .isEqualTo(loader.memoryBytes(base, PLAIN) + 2 * 6 * weights);
    assertThat(onThree.memoryBytes(base, adapting))
        .isEqualTo(loader.memoryBytes(base, adapting) + 2 * 6 * 144);
  }

  @Test
  void adaptersThatDoNotFitAreRefusedByName() {
    assertThatThrownBy(() -> open(PLAIN.withAdapters(adapters(17))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessageStartingWith("adapters.rank: 17 (expected: ≤ 16, the lesser width of model.");
    assertThatThrownBy(() -> adapters(0)).hasMessage("adapters.rank: 0 (expected: ≥ 1)");
    assertThatThrownBy(() -> new AdapterSettings(1, 0, Set.of(Projection.Q_PROJ), 1))
        .hasMessage("adapters.alpha: 0.0 (expected: > 0, finite)");
    assertThatThrownBy(() -> new AdapterSettings(1, 1, Set.of(), 1))
        .hasMessage("adapters.projections: none (expected: at least one)");
  }

  private static Set<String> names(Path folder) {
    return SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS)).names();
  }

  @Test
  void aCheckpointGoesOnExactlyAndFitsOnlyWhatItWasTakenFrom() throws IOException {
    Path file = root.resolve("checkpoint.safetensors");
    try (Trainee whole = open(PLAIN.withCritic(true));
        Trainee resumed = open(PLAIN.withCritic(true));
        Trainee plain = open(PLAIN)) {
      var unused = train(whole, true);
      whole.checkpoint(file);
      resumed.restore(file);
      assertThat(train(resumed, true)).isEqualTo(train(whole, true));
      assertThat(resumed.scores(GROUPS, WhichWeights.CURRENT))
          .isEqualTo(whole.scores(GROUPS, WhichWeights.CURRENT));
      assertThatThrownBy(() -> plain.restore(file))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
          .hasMessage("checkpoint.safetensors: critic: true (expected: absent)");
    }
  }
}
