package io.ballast.inference.onnx;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.text.TokenizerFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A tokenizer.json of any kind (WordPiece, unigrams, BPE), which turns whole texts into ids, with
 * or without the special tokens that the file puts round them. Whatever the file says, it neither
 * truncates nor pads. Thread-safe.
 */
public final class EncoderTokenizer implements AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;
  private final ReadWriteLock life = new ReentrantReadWriteLock();
  private boolean closed;

  private EncoderTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a tokenizer.json.
   *
   * @throws ModelException INVALID_FOLDER if it is missing or is none
   */
  public static EncoderTokenizer open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    // the library would otherwise report its use over the network
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
    try {
      var unused = TokenizerFile.read(file);
      // the file may say that texts are cut and padded: both are ours to decide
      return new EncoderTokenizer(
          HuggingFaceTokenizer.newInstance(
              file, Map.of("truncation", "false", "padding", "false")));
    } catch (IOException | RuntimeException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Returns the ids of a text.
   *
   * @param text whole Unicode, no half of a surrogate pair
   * @param specialTokens whether the file's own are put round it, such as [CLS] and [SEP]
   * @throws ModelException CLOSED; BROKEN if it has no ids for this text, such as one that knows no
   *     word of it and has no token for those
   */
  public long[] encode(String text, boolean specialTokens) {
    life.readLock().lock();
    try {
      if (closed) {
        throw new ModelException(Reason.CLOSED, "the tokenizer was closed");
      }
      return ids(text, specialTokens);
    } finally {
      life.readLock().unlock();
    }
  }

  private long[] ids(String text, boolean specialTokens) {
    try {
      return tokenizer.encode(text, specialTokens, false).getIds();
    } catch (RuntimeException e) { // the library has no type of its own
      throw new ModelException(Reason.BROKEN, "the tokenizer: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    life.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        tokenizer.close();
      }
    } finally {
      life.writeLock().unlock();
    }
  }
}
