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
import io.ballast.inference.torch.ServingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.testing.TinyModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Weights in training are what their options say, on the real engine. */
class TorchTraineeTest extends TraineeCase {
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
    return TorchTrainee.open(
        stored, bases, ServingOptions.defaults(), options, Optional.empty(), 1, 1 << 20, null);
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

  @Test
  void adaptersThatDoNotFitAreRefusedByName() {
    assertThatThrownBy(() -> open(PLAIN.withAdapters(adapters(17))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessageStartingWith("adapters.rank: 17 (expected: ≤ 16, the lesser width of model.");
    assertThatThrownBy(() -> adapters(0)).hasMessage("adapters.rank: 0 (expected: ≥ 1)");
    assertThatThrownBy(() -> new AdapterSettings(1, 0, Set.of(Projection.Q_PROJ), 1))
        .hasMessage("adapters.alpha: 0.0 (expected: > 0, at most 1,000,000)");
    assertThatThrownBy(() -> new AdapterSettings(1, 1, Set.of(), 1))
        .hasMessage("adapters.projections: none (expected: at least one)");
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

  private static Set<String> names(Path folder) {
    return SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS)).names();
  }
}
