package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.spec.PromptSource;
import java.util.List;

/** Prompts that are kept somewhere else than in a spec. */
public interface PromptArchive {
  /** Takes the rows of a source, one at a time, in their order. */
  interface Sink {
    /** A row with a text for its prompt. */
    void row(PromptRow row);

    /** A row without one, or with a group that is none. */
    void bad(BadRow row);
  }

  /**
   * Reads a file below the data folder to its end.
   *
   * @param field the spec's key, named in failures
   * @param caller who may read it: whoever is bound to a tenant reads that tenant's files, and
   *     those that are there for all
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if there is no such file for
   *     {@code caller}, it cannot be read as a whole, or has no such column
   */
  void ofFile(String field, PromptSource.InFile file, Caller caller, Sink sink);

  /**
   * The prompts of suggestions that {@code tenant} gave feedback on, oldest first, at most the
   * newest {@code max}, each once.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN
   */
  List<String> ofFeedback(String tenant, int max);
}
