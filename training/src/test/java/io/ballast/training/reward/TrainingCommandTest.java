package io.ballast.training.reward;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.training.data.JudgementData;
import io.ballast.training.reward.RewardData.Objective;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A command line can be given to a shell as it stands. */
class TrainingCommandTest {
  private static Objective objective(String name, double weight, String fileName) {
    return new Objective(name, weight, fileName, new JudgementData(List.of(), List.of(), 0, "d"));
  }

  @Test
  void aFileIsOneWordAndNoOption() {
    assertThat(TrainingCommand.file("pairs-1.jsonl.gz")).isEqualTo("pairs-1.jsonl.gz");
    assertThat(TrainingCommand.file("my pairs.jsonl")).isEqualTo("'my pairs.jsonl'");
    assertThat(TrainingCommand.file("it's $HOME.jsonl")).isEqualTo("'it'\\''s $HOME.jsonl'");
    assertThat(TrainingCommand.file("-x.jsonl")).isEqualTo("./-x.jsonl");
    assertThat(TrainingCommand.file("-x y.jsonl")).isEqualTo("'./-x y.jsonl'");
  }

  @Test
  void filesOfOneNameStandInFoldersOfTheirObjectives() {
    assertThat(
            TrainingCommand.objectives(
                new RewardData.Objectives(
                    List.of(
                        objective("love", 1, "ratings.jsonl"),
                        objective("cost", -0.5, "ratings.jsonl"),
                        objective("help", 2, "all of it.jsonl")))))
        .isEqualTo(
            "--objective love=love/ratings.jsonl --objective cost=cost/ratings.jsonl --objective"
                + " 'help=all of it.jsonl' --weight love=1.0 --weight cost=-0.5 --weight help=2.0");
  }
}
