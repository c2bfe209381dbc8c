package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training tells while it goes on. */
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

  @Test
  void headsAreCountedOfWhichAMemberHasOneByEachObjective() throws Exception {
    RewardData.Objectives data =
        new RewardData.Objectives(
            List.of(
                new Objective("love", 1, "pairs.jsonl", pairs()),
                new Objective("cost", -0.5, "pairs.jsonl", pairs())));
    TrainingOrder order =
        new TrainingOrder(
            "acme",
            Optional.of("acme"),
            true,
            "key",
            "fingerprint",
            "taste",
            "java-tiny",
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
    FolderRewardTrainer trainer =
        new FolderRewardTrainer(
            List.of(Files.createDirectory(folder.resolve("models")), Path.of("../models")),
            folder.resolve("work"),
            1,
            new Courtesy(() -> 0, millis -> {}));
    List<Progress> told = new ArrayList<>();

    Training.Result result =
        trainer.train(
            new UUID(0x7000, 1),
            trainer.prepare(order),
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
