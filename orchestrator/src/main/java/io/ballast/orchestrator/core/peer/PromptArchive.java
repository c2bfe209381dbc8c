package io.ballast.orchestrator.core.peer;

import java.util.List;

/** Prompts that are kept somewhere else than in a spec. */
public interface PromptArchive {
  /**
   * Reads a file of JSON lines below the data folder.
   *
   * @param field the spec's key, named in failures
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if there is no such file, or a
   *     line is not what it should be, named by its number
   */
  List<String> ofFile(String field, String path);

  /**
   * The prompts of suggestions that {@code tenant} gave feedback on, oldest first, at most the
   * newest {@code max}, each once.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN
   */
  List<String> ofFeedback(String tenant, int max);
}
