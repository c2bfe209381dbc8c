package io.ballast.training.cost;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.chat.ChatTemplate;
import io.ballast.inference.onnx.CostScale;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.Judgement;
import io.ballast.training.reward.EnsemblePublisher;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.VersionName;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Publishes a trained cost model as a version that never changes, with an index of the prompts and
 * of the labels that it was trained on.
 */
public final class CostPublisher {
  private final EnsemblePublisher publisher;

  /**
   * A publisher.
   *
   * @param work folder for the graph that the golden scores are computed with
   */
  public CostPublisher(ModelStore store, Path work) {
    this.publisher = new EnsemblePublisher(store, work);
  }

  /**
   * Publishes.
   *
   * @param judgements that it was trained on
   * @param command what makes the version again, for its card
   * @throws FileAlreadyExistsException if the version is there
   * @throws ModelException if the written version does not open
   */
  public StoredModel publish(
      VersionName version,
      RewardTraining.Trained trained,
      List<Judgement> judgements,
      String command)
      throws IOException {
    SeenExamples seen =
        SeenExamples.of(judgements, ChatTemplate.ofFolder(trained.trunk().folder()));
    String boundary = trained.model().spec().cost().map(CostScale::boundary).orElseThrow().words();
    return publisher.publish(
        version,
        trained,
        "Says how harmful a completion is: higher is worse. Boundary: "
            + boundary
            + ". Pairs are of which completion does more harm; AUC and correlation are of their"
            + " labels, where there are any.",
        command,
        Map.of(),
        seen::write);
  }
}
