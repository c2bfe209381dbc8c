package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.OnnxEncoder;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentSetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What people's own judgements say of ensembles.
 *
 * @param rated best of n by ratings
 * @param pairs agreement with votes, of each source that is there
 */
record PeopleStudy(CleanAndNoisy rated, List<AgreementStudy> pairs) {
  /** That best of n is measured on, at most. */
  static final int RATED_POOLS = 4;

  PeopleStudy {
    pairs = List.copyOf(pairs);
  }

  /** Measures; empty, and said to be left out, where the data or the encoder is not there. */
  static Optional<PeopleStudy> of(ExperimentSetting setting, EnsemblesPlan plan)
      throws IOException {
    ExperimentProgress progress = setting.progress();
    Optional<Path> data =
        setting.data().filter(folder -> Files.isRegularFile(folder.resolve(RatedTexts.FILE)));
    if (data.isEmpty()) {
      progress.say(
          "left out: people's judgements (--data FOLDER names a folder with %s in it)"
              .formatted(RatedTexts.FILE));
      return Optional.empty();
    }
    if (setting.encoder().isEmpty()) {
      progress.say(
          "left out: people's judgements (--encoder FOLDER names a sentence encoder; ./mesh pull"
              + " brings one)");
      return Optional.empty();
    }
    // one thread: the other core has its own work
    EncoderOptions options = new EncoderOptions(EncoderOptions.defaults().batchTokens(), 1);
    try (OnnxEncoder encoder = OnnxEncoder.open(setting.encoder().orElseThrow(), options)) {
      CleanAndNoisy rated = rated(data.orElseThrow(), encoder, plan, progress);
      List<AgreementStudy> pairs = new ArrayList<>();
      for (PreferencePairs.Source source : PreferencePairs.Source.values()) {
        Path file = data.orElseThrow().resolve(source.file());
        if (Files.isRegularFile(file)) {
          PreferencePairs read = PreferencePairs.read(source, file, encoder, plan, progress);
          pairs.add(new AgreementStudy(source, read, plan, progress));
        } else {
          progress.say("left out: %s (no %s)".formatted(source.label(), source.file()));
        }
      }
      return Optional.of(new PeopleStudy(rated, pairs));
    }
  }

  private static CleanAndNoisy rated(
      Path data, OnnxEncoder encoder, EnsemblesPlan plan, ExperimentProgress progress)
      throws IOException {
    int most = 2 * RatedTexts.PAIRS + RATED_POOLS * plan.poolSize();
    RatedTexts texts =
        RatedTexts.read(data.resolve(RatedTexts.FILE), encoder, plan, most, progress);
    if (texts.refused() > 0) {
      progress.say("rated texts: the encoder refused %,d".formatted(texts.refused()));
    }
    return CleanAndNoisy.measured(
        plan,
        plan.seeds(),
        progress.step("choosing rated texts", "ensembles", 2L * plan.seeds()),
        (seed, flips) -> texts.curves(plan.ns(), seed, flips, plan.poolSize()));
  }
}
