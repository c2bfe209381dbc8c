package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The vocabulary that was read last, for the next decoder that has the same tokenizer: the versions
 * of a run have, and come by the iteration. It stays when its decoders are closed, with what it
 * knows of the grammars asked for last. Safe for use by many threads.
 */
public final class KeptVocabulary {
  private final AtomicReference<@Nullable Kept> last = new AtomicReference<>();

  /**
   * A vocabulary.
   *
   * @param sha256 of the tokenizer's file
   */
  private record Kept(String sha256, List<Integer> endOfTextIds, Vocabulary vocabulary) {
    boolean isOf(String sha256, List<Integer> endOfTextIds) {
      return this.sha256.equals(sha256) && this.endOfTextIds.equals(endOfTextIds);
    }
  }

  /**
   * The vocabulary of a tokenizer.json, which is read if the last one was of another.
   *
   * @param endOfTextIds that end a text
   * @throws ModelException INVALID_FOLDER if the file is missing, of another kind, or lacks an id
   */
  Vocabulary of(Path tokenizer, List<Integer> endOfTextIds) {
    String sha256 = sha256(tokenizer);
    Kept kept = last.get();
    if (kept != null && kept.isOf(sha256, endOfTextIds)) {
      return kept.vocabulary();
    }
    Vocabulary read = new Vocabulary(HuggingFaceTokenizerAdapter.load(tokenizer, endOfTextIds));
    if (sha256(tokenizer).equals(sha256)) { // else nobody knows which of the two was read
      last.set(new Kept(sha256, List.copyOf(endOfTextIds), read));
    }
    return read;
  }

  private static String sha256(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    try {
      return Sha256.of(file);
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }
}
