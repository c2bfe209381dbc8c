package io.ballast.inference.scoring;

import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import java.util.Map;
import java.util.function.Function;

/**
 * What models of one kind are to the server that asks them.
 *
 * @param kind of the folders and exports that are taken
 * @param described the model of this name and version, wherever its weights are
 * @param scored what comes of a completion's scores, as the members gave them
 * @param refused what comes of a completion that cannot be scored
 * @param <M> the model
 * @param <R> what comes of a completion
 */
public record ScoringUse<M extends ScoringModel, R>(
    ScoringKind kind,
    Description<M> described,
    Function<ScoreOutcome.Scored, R> scored,
    Function<ItemFault, R> refused) {
  /** Makes a model of what is known of it. */
  @FunctionalInterface
  public interface Description<M> {
    /**
     * Returns the model.
     *
     * @param folderSha256 over all files of its folder, as they were when {@code spec} was read;
     *     empty if its weights are elsewhere
     * @param notes of its folder, by key; none if its weights are elsewhere
     */
    M describe(PinnedVersion id, ScoringSpec spec, String folderSha256, Map<String, String> notes);
  }
}
