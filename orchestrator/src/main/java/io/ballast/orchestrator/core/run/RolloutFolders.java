package io.ballast.orchestrator.core.run;

/** The folders of weights that a run sampled from while it learned. */
public interface RolloutFolders {
  /** Deletes a version that was published; nothing happens if there is none. */
  void delete(String model, String version);

  /** Deletes the versions of {@code model} that begin with {@code prefix}. */
  void deleteAll(String model, String prefix);
}
