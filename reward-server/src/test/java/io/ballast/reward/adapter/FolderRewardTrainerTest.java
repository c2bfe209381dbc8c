package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.reward.core.training.RewardTrainer;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.Training.Phase;
import io.ballast.reward.core.training.Training.Progress;
import io.ballast.reward.core.training.TrainingOrder;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.JudgementFile;
import io.ballast.training.data.RowLimits;
import io.ballast.training.data.SplitRule;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.SplitBy;
import io.ballast.training.scoring.HeadTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training is made of, and what it tells while it goes on. */
class FolderRewardTrainerTest {
  private static final int MEMBERS = 2;

  @TempDir private Path folder = Path.of(".");

  private JudgementData pairs() throws Exception {
    Path file = folder.resolve("pairs.jsonl");
    Files.writeString(
        file,
        IntStream.range(0, 100)
            .mapToObj(
                "{\"prompt\": \"int a%1$d = \", \"chosen\": \"%1$d;\", \"rejected\": \"%1$d,\"}\n"
                    ::formatted)
            .collect(Collectors.joining()));
    return new JudgementFile(RowLimits.defaults(), false).read(file);
  }

  private static TrainingOrder order(String trunk, RewardData.Objectives data) {
    return new TrainingOrder(
        "acme",
        Optional.of("acme"),
        true,
        "key",
        "fingerprint",
        "taste",
        trunk,
        new RewardPlan(
            MEMBERS,
            false,
            0,
            0,
            SplitBy.PROMPT,
            SplitRule.tenths(1),
            96,
            1,
            HeadTrainer.Options.defaults().withEpochs(1)),
        new TrainingOrder.Source.Objectives(data),
        false);
  }

  private FolderRewardTrainer trainer(ServingVersions serving) throws IOException {
    return new FolderRewardTrainer(
        List.of(Files.createDirectories(folder.resolve("models")), Path.of("../models")),
        folder.resolve("work"),
        1,
        new Courtesy(() -> 0, millis -> {}),
        serving);
  }

  /** A further version of the model that comes along, as a run publishes one. */
  private void publishVersion(String version) throws IOException {
    Path from = Path.of("../models/java-tiny/1");
    Path to = Files.createDirectories(folder.resolve("models/java-tiny").resolve(version));
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  @Test
  void ofSeveralVersionsOfATrunkTheOneThatServesIsMeant() throws Exception {
    RewardData.Objectives data =
        new RewardData.Objectives(List.of(new Objective("love", 1, "pairs.jsonl", pairs())));
    publishVersion("run-0a1b2c3d");

    for (String serving : List.of("1", "run-0a1b2c3d")) {
      List<String> asked = new ArrayList<>();
      FolderRewardTrainer trainer =
          trainer(
              model -> {
                asked.add(model);
                return Optional.of(serving);
              });
      assertThat(trainer.trunk(order("java-tiny", data))).isEqualTo("java-tiny/" + serving);
      assertThat(trainer.trunk(order("java-tiny/1", data))).isEqualTo("java-tiny/1");
      assertThat(trainer.prepare(order("java-tiny", data), "java-tiny/" + serving).trunk())
          .isEqualTo("java-tiny/" + serving);
      assertThat(asked).as("only where none is named").containsExactly("java-tiny");
    }
    for (Optional<String> unknown : List.of(Optional.<String>empty(), Optional.of("7"))) {
      FolderRewardTrainer trainer = trainer(model -> unknown);
      assertThatThrownBy(() -> trainer.trunk(order("java-tiny", data)))
          .hasMessageStartingWith(
              "plan.trunk: 'java-tiny': none of its versions is the one that serves (expected: with one of the versions [")
          .hasMessageContainingAll("run-0a1b2c3d", "1");
    }
  }

  @Test
  void headsAreCountedOfWhichAMemberHasOneByEachObjective() throws Exception {
    RewardData.Objectives data =
        new RewardData.Objectives(
            List.of(
                new Objective("love", 1, "pairs.jsonl", pairs()),
                new Objective("cost", -0.5, "pairs.jsonl", pairs())));
    TrainingOrder order = order("java-tiny", data);
    FolderRewardTrainer trainer = trainer(model -> Optional.empty());
    List<Progress> told = new ArrayList<>();

    Training.Result result =
        trainer.train(
            new UUID(0x7000, 1),
            trainer.prepare(order, trainer.trunk(order)),
            order,
            data,
            new RewardTrainer.Listener() {
              @Override
              public void progress(Progress progress) {
                told.add(progress);
              }

              @Override
              public void leftOut(List<BadRow> rows) {
                assertThat(rows).isEmpty();
              }
            });

    assertThat(result.members()).hasSize(MEMBERS);
    assertThat(told)
        .filteredOn(progress -> progress.phase() == Phase.TRAINING_MEMBERS)
        .extracting(progress -> progress.done() + " of " + progress.all())
        .containsExactly("1 of 4", "2 of 4", "3 of 4", "4 of 4");
    assertThat(told.getLast()).isEqualTo(new Progress(Phase.PUBLISHING, 0, 1));
  }
}
