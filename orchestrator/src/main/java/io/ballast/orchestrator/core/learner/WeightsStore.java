package io.ballast.orchestrator.core.learner;

import io.ballast.kit.call.PinnedVersion;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Where weights are kept: versions that can be served, and checkpoints. */
public interface WeightsStore {
  /** How checkpoints of runs begin, and no others. */
  String OF_RUNS = "run-";

  /** Writes what is to be kept. */
  @FunctionalInterface
  interface Writer {
    /** Writes to {@code target}, a file for a checkpoint or an empty folder for a version. */
    void write(Path target) throws IOException;
  }

  /**
   * A checkpoint that is kept.
   *
   * @param bytes of its file
   * @param keptAt when it was written
   */
  record Kept(String name, long bytes, Instant keptAt) {}

  /**
   * Makes a new version, whole or not at all.
   *
   * @param notes kept beside the weights, such as the parent version
   * @throws io.ballast.kit.error.MeshException ALREADY_EXISTS if there is such a version with other
   *     weights; with the same weights it is returned
   */
  PinnedVersion publish(String model, String version, Map<String, String> notes, Writer writer);

  /** Keeps a checkpoint of {@code tenant} under {@code name}, in place of any before. */
  void keepCheckpoint(String tenant, String name, Writer writer);

  /**
   * Returns the file of a checkpoint.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_RESOURCE
   */
  Path checkpoint(String tenant, String name);

  /** All checkpoints of {@code tenant}, the newest first. */
  List<Kept> checkpoints(String tenant);

  /**
   * Deletes a checkpoint. Whoever reads it goes on.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_RESOURCE
   */
  void deleteCheckpoint(String tenant, String name);

  /** Deletes the checkpoints of {@code tenant} that begin with {@code prefix}, but {@code kept}. */
  void forgetCheckpoints(String tenant, String prefix, Set<String> kept);
}
