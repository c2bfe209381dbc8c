package io.ballast.reward.core.training;

import io.ballast.training.data.JudgementData;
import java.nio.ByteBuffer;

/**
 * Takes files of judgements that come in pieces, one file at a time; memory does not grow with what
 * comes.
 */
public interface JudgementUploads {
  /**
   * Begins a file.
   *
   * @throws io.ballast.kit.error.MeshException OVERLOADED if another file is coming, or nothing can
   *     be kept
   */
  Upload begin();

  /**
   * What a file is called.
   *
   * @param objective whose judgements it has; empty if there is one objective without a name
   */
  record FileName(String objective, String name) {
    /** For messages. */
    public String words() {
      return objective.isEmpty() ? name : objective + ": " + name;
    }
  }

  /**
   * A file that is coming, or several, one after the other; what was kept of them is gone when it
   * is closed. Not thread-safe.
   */
  interface Upload extends AutoCloseable {
    /**
     * Takes the next bytes.
     *
     * @param of the file that they are of
     * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if all files are too large,
     *     OVERLOADED if there is no room for it
     */
    void write(FileName of, ByteBuffer bytes);

    /**
     * Reads the judgements of what came; what comes after that is another file.
     *
     * @param of the file that it is
     * @param skipsBad whether rows that say nothing are left out and counted
     * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST naming bad rows with their
     *     reasons, or if there are too many judgements in all files
     */
    JudgementData read(FileName of, boolean skipsBad);

    @Override
    void close();
  }
}
