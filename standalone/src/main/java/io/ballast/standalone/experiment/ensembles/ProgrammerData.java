package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.standalone.demo.position.CorpusSources;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentSetting;
import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.CorpusPart;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * What the simulated programmer is asked about: pools to choose from at held-out positions, and
 * labels of other artefacts' files, each seed's own.
 *
 * @param positions where the pools were drawn
 * @param pools shape [pools]
 * @param labels shape [seeds][label positions]
 */
record ProgrammerData(
    List<Position> positions, List<DrawnPool> pools, List<List<DrawnPool>> labels) {
  /**
   * Of positions, draws and the order of files; what is measured does not change with the seeds.
   */
  private static final long DRAW_SEED = 20_231_004;

  private static final int LABELS_PER_FILE = 4;

  ProgrammerData {
    positions = List.copyOf(positions);
    pools = List.copyOf(pools);
    labels = labels.stream().map(List::copyOf).toList();
  }

  /**
   * Draws with the decoder that comes along, or takes up what an earlier run drew.
   *
   * @param trunk the decoder's folder
   */
  static ProgrammerData of(ExperimentSetting setting, EnsemblesPlan plan, Path trunk)
      throws IOException {
    CorpusSources sources = new CorpusSources(setting.home(), Path.of("mvn"));
    if (!sources.present()) {
      setting.progress().say("fetching held-out and preference sources with Maven");
      sources.fetch();
    }
    Corpus corpus = sources.read(DRAW_SEED);
    TorchRuntime.setThreads(1);
    try (TorchDecoder decoder = TorchDecoder.load(trunk, ServingOptions.defaults());
        ParseCheck parseCheck = new ParseCheck()) {
      Positions places = new Positions(Cursor.tokenBoundaries(decoder.tokenizer()), parseCheck);
      List<Position> held =
          positions(places, CorpusPart.COMPARISON.files(corpus), plan.pools(), 1, 1);
      int wanted = plan.seeds() * plan.labelPositions();
      List<Position> labelled =
          positions(places, CorpusPart.REWARD_LABELS.files(corpus), wanted, LABELS_PER_FILE, 2);
      Drawing drawing = new Drawing(setting, new PoolDrawer(decoder), weights(trunk));
      List<DrawnPool> pools = drawing.of("pools", held, plan.poolSize(), 1);
      List<DrawnPool> labels = drawing.of("labels", labelled, plan.labelSamples(), 2);
      List<List<DrawnPool>> bySeed = new ArrayList<>();
      for (int seed = 0; seed < plan.seeds(); seed++) {
        bySeed.add(
            labels.subList(seed * plan.labelPositions(), (seed + 1) * plan.labelPositions()));
      }
      return new ProgrammerData(held, pools, bySeed);
    }
  }

  private static List<Position> positions(
      Positions places, List<SourceFile> files, int count, int perFile, long salt)
      throws IOException {
    RandomGenerator random =
        RandomGeneratorFactory.of("L64X128MixRandom").create(DRAW_SEED * 10 + salt);
    List<Position> positions = places.draw(files, count, perFile, random);
    if (positions.size() < count) {
      throw new IOException(
          "%,d files hold %,d positions, %d a file (expected: %,d; fewer seeds need fewer)"
              .formatted(files.size(), positions.size(), perFile, count));
    }
    return positions;
  }

  private static String weights(Path trunk) {
    return ModelManifest.read(trunk)
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow(
            () ->
                new ModelException(
                    ModelException.Reason.INVALID_FOLDER,
                    trunk.resolve(ModelManifest.FILE) + ": the file is missing"));
  }

  private record Drawing(ExperimentSetting setting, PoolDrawer drawer, String trunk) {
    List<DrawnPool> of(String what, List<Position> positions, int count, long salt)
        throws IOException {
      Path file = setting.work().resolve(what + ".bin");
      String key =
          "%s of %d positions, the last %s, %d completions each of at most %d tokens after %d, seed %d, by %s"
              .formatted(
                  what,
                  positions.size(),
                  positions.getLast().id(),
                  count,
                  EnsemblesPlan.NEW_TOKENS,
                  EnsemblesPlan.PROMPT_TOKENS,
                  DRAW_SEED * 10 + salt,
                  trunk);
      Optional<List<DrawnPool>> known = DrawnPool.read(key, file);
      if (known.isPresent()) {
        setting.progress().say(what + ": drawn by an earlier run");
        return known.orElseThrow();
      }
      ExperimentProgress.Step step =
          setting
              .progress()
              .step("drawing " + what, "completions", (long) positions.size() * count);
      List<DrawnPool> drawn = drawer.draw(positions, count, DRAW_SEED * 10 + salt, step::done);
      DrawnPool.write(drawn, key, file);
      return drawn;
    }
  }
}
