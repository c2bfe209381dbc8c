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
public final class RewardPublisher {
  private final ModelStore store;
  private final Path work;

  /**
   * A publisher.
   *
   * @param work folder for the graph that the golden scores are computed with
   */
  public RewardPublisher(ModelStore store, Path work) {
    this.store = store;
    this.work = work;
  }

  /**
   * Publishes.
   *
   * @param command what makes the version again, for its card
   * @throws FileAlreadyExistsException if the version is there
   * @throws ModelException if the written version does not open
   */
  public StoredModel publish(
      String name, String version, RewardTraining.Trained trained, String command)
      throws IOException {
    return publish(name, version, trained, command, Map.of());
  }

  /**
   * Publishes.
   *
   * @param command what makes the version again, for its card
   * @param more notes beside the facts of the training
   * @throws FileAlreadyExistsException if the version is there
   * @throws ModelException if the written version does not open
   */
  public StoredModel publish(
      String name,
      String version,
      RewardTraining.Trained trained,
      String command,
      Map<String, String> more)
      throws IOException {
    Map<String, String> notes = ScoringCard.notes(trained.facts());
    notes.putAll(more);
    String card =
        ScoringCard.of(
            name,
            trained.model().spec().objectives().isEmpty()
                ? "Says which of a prompt's completions people prefer. AUC and correlation are of"
                    + " their grades, where there are any."
                : "Says which of a prompt's completions have more of several objectives, as a"
                    + " weighted sum of what a head for each says, standardised. AUC and correlation"
                    + " are of grades, where there are any.",
            trained.model().spec(),
            trained.facts(),
            command);
    return store.publish(
        name,
        version,
        folder -> {
          ScoringModelFolder.write(folder, trained.model(), trained.blocks(), notes);
          Files.writeString(folder.resolve("MODEL_CARD.md"), card);
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
