package io.ballast.training.reward;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Map;

/** Publishes a trained ensemble of rewards as a version that never changes. */
public final class RewardPublisher {
  private final EnsemblePublisher publisher;

  /**
   * A publisher.
   *
   * @param work folder for the graph that the golden scores are computed with
   */
  public RewardPublisher(ModelStore store, Path work) {
    this.publisher = new EnsemblePublisher(store, work);
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
    return publisher.publish(
        new VersionName(name, version),
        trained,
        trained.model().spec().objectives().isEmpty()
            ? "Says which of a prompt's completions people prefer. AUC and correlation are of"
                + " their grades, where there are any."
            : "Says which of a prompt's completions have more of several objectives, as a"
                + " weighted sum of what a head for each says, standardised. AUC and correlation"
                + " are of grades, where there are any.",
        command,
        more,
        folder -> {});
  }
}
