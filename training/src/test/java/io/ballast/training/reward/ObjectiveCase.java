package io.ballast.training.reward;

import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.SplitRule;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/**
 * Trains by two objectives, {@code ended} (a statement's end beats none, as pairs) and {@code
 * comma} (grades that like what the pairs do not).
 */
abstract class ObjectiveCase {
  @TempDir Path folder = Path.of(".");

  @BeforeAll
  static void oneThread() {
    TorchRuntime.setThreads(1);
  }

  static RewardPlan plan(HeadForm form, SplitBy splitBy) {
    return new RewardPlan(
        2,
        false,
        0,
        0,
        splitBy,
        SplitRule.tenths(1),
        96,
        1,
        HeadTrainer.Options.defaults().withEpochs(6).withForm(form));
  }

  static RewardPlan plan() {
    return plan(HeadForm.LAYERED, SplitBy.PROMPT);
  }

  static JudgementData data(List<Judgement> judgements, String sha256) {
    return new JudgementData(judgements, List.of(), 0, sha256);
  }

  static JudgementData pairs() {
    return data(Semicolons.pairs(200, 1), "d1");
  }

  static JudgementData grades() {
    List<Judgement> grades = new ArrayList<>();
    for (Judgement judgement : Semicolons.pairs(200, 2)) {
      Judgement.Pair pair = (Judgement.Pair) judgement;
      grades.add(new Judgement.Grade(pair.prompt(), pair.chosen(), 0, 1, pair.source()));
      grades.add(new Judgement.Grade(pair.prompt(), pair.rejected(), 1, 1, pair.source()));
    }
    return data(grades, "d2");
  }

  static RewardData both(double ended, double comma) {
    return new RewardData.Objectives(
        List.of(
            new Objective("ended", ended, "ended.jsonl", pairs()),
            new Objective("comma", comma, "comma.jsonl", grades())));
  }

  RewardTraining.Trained train(RewardPlan plan, RewardData data, boolean skipsBad)
      throws IOException, UnusableDataException {
    RewardTraining.Listener silent =
        new RewardTraining.Listener() {
          @Override
          public void features(int done, int all) {}

          @Override
          public void member(String line) {}
        };
    return new RewardTraining(plan, folder.resolve("work"), 1, silent)
        .train(data, Semicolons.TRUNK, skipsBad);
  }

  StoredModel publish(String name, RewardTraining.Trained trained) throws IOException {
    return new RewardPublisher(new ModelStore(folder.resolve("models")), folder.resolve("work"))
        .publish(name, "1", trained, "made by hand");
  }

  OnnxScorer open(StoredModel heads) {
    return OnnxScorer.open(Semicolons.TRUNK.folder(), heads.folder(), folder.resolve("onnx"), 1);
  }

  static RewardData with(JudgementData comma) {
    return new RewardData.Objectives(
        List.of(
            new Objective("ended", 1, "ended.jsonl", pairs()),
            new Objective("comma", -0.5, "comma.jsonl", comma)));
  }
}
