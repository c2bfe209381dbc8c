package io.ballast.training.reward;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.scoring.ScoringCard;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Publishes a trained ensemble as a version that never changes: weights, scales, calibration, what
 * it was trained on, and golden scores, as the engine that will serve it computes them. It appears
 * whole or not at all.
 */
public final class EnsemblePublisher {
  private final ModelStore store;
  private final Path work;

  /**
   * A publisher.
   *
   * @param work folder for the graph that the golden scores are computed with
   */
  public EnsemblePublisher(ModelStore store, Path work) {
    this.store = store;
    this.work = work;
  }

  /** Writes what a version has beside weights and card. */
  @FunctionalInterface
  public interface MoreFiles {
    /** Writes them into its folder. */
    void write(Path folder) throws IOException;
  }

  /**
   * Publishes.
   *
   * @param purpose what the scores say, for the card
   * @param command what makes the version again, for the card
   * @param more notes beside the facts of the training
   * @param files what else the folder has
   * @throws FileAlreadyExistsException if the version is there
   * @throws ModelException if the written version does not open
   */
  public StoredModel publish(
      VersionName version,
      RewardTraining.Trained trained,
      String purpose,
      String command,
      Map<String, String> more,
      MoreFiles files)
      throws IOException {
    Map<String, String> notes = ScoringCard.notes(trained.facts());
    notes.putAll(more);
    String card =
        ScoringCard.of(version.model(), purpose, trained.model().spec(), trained.facts(), command);
    return store.publish(
        version.model(),
        version.version(),
        folder -> {
          ScoringModelFolder.write(folder, trained.model(), trained.blocks(), notes);
          Files.writeString(folder.resolve("MODEL_CARD.md"), card);
          files.write(folder);
          GoldenScores.keep(
              folder,
              trained.trunk().folder(),
              trained.golden(),
              tolerance(trained.model().spec()),
              work);
        },
        notes);
  }

  /** How far a raw score may be off. A sum takes what a head is off times weight over deviation. */
  private static double tolerance(ScoringSpec spec) {
    double gain = 0;
    for (ScoringObjective objective : spec.objectives()) {
      double least =
          objective.normalizations().stream().mapToDouble(Normalization::std).min().orElseThrow();
      gain += Math.abs(objective.weight()) / least;
    }
    return GoldenScores.USUAL_TOLERANCE * Math.max(1, gain);
  }
}
