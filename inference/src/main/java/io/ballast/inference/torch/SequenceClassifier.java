package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Scores texts with a Hugging Face sequence-classification folder: a decoder of any {@link
 * DecoderFamily} whose last token's state is multiplied by {@code score.weight}. As transformers
 * has it, the last token is the last one that is not the config's {@code pad_token_id}, which may
 * well be what ends a text.
 *
 * <p>Thread-safe; closing waits for runs under way. A text's scores do not depend on what it is
 * scored with, but for rounding: texts are padded on the right, where no token looks.
 *
 * <p>Shape letters: N texts, T tokens, K labels, D hidden size.
 */
public final class SequenceClassifier implements AutoCloseable {
  private static final int TOKEN_BUDGET = 2_560;

  private final DecoderConfig config;
  private final int labels;
  private final int padTokenId;
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final Tensor head;
  private final ReadWriteLock life = new ReentrantReadWriteLock();
  private boolean closed;

  private SequenceClassifier(ClassifierShape shape, Arithmetic arithmetic, WeightFiles files) {
    TorchRuntime.prepare();
    this.config = shape.config();
    this.labels = shape.labels();
    this.padTokenId = shape.padTokenId();
    ParameterLayout layout = new ParameterLayout(config);
    float[] score = shape.scores(files, layout);
    this.weights = new TrainedWeights(layout, arithmetic, false);
    this.rotary = new RotaryTable(config, arithmetic.full());
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      head = Tensors.of(score, labels, config.hiddenSize()).to(arithmetic.product());
      head.retainReference();
    }
    try {
      DecoderFolder.readInto(files, weights);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Reads a folder whose architecture is one of the families' {@code ForSequenceClassification}.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be, or the
   *     folder is of another architecture; CORRUPT_WEIGHTS if a checksum differs
   */
  public static SequenceClassifier load(Path folder, Arithmetic arithmetic) {
    return new SequenceClassifier(
        ClassifierShape.verified(folder), arithmetic, WeightFiles.open(folder));
  }

  /** The trunk's shape. */
  public DecoderConfig config() {
    return config;
  }

  /** Number of scores that each text gets, K. */
  public int labels() {
    return labels;
  }

  /**
   * Returns each text's scores, K numbers, unnormalised (logits), in the texts' order.
   *
   * @throws IllegalArgumentException if a text is empty, too long or has an id outside the
   *     vocabulary; named
   * @throws ModelException BROKEN if a score is not finite; CLOSED
   */
  public List<PerToken> scores(List<TokenIds> texts) {
    List<PerToken> scores = uncheckedScores(texts);
    for (PerToken ofText : scores) {
      for (int k = 0; k < labels; k++) {
        if (!Float.isFinite(ofText.get(k))) {
          throw new ModelException(
              Reason.BROKEN, "score: " + ofText.get(k) + " (expected: finite)");
        }
      }
    }
    return scores;
  }

  /**
   * Returns the same without a look at the numbers: those of one text may be NaN or infinite, which
   * says nothing of the others'.
   *
   * @throws IllegalArgumentException as {@link #scores}
   * @throws ModelException CLOSED
   */
  public List<PerToken> uncheckedScores(List<TokenIds> texts) {
    for (int i = 0; i < texts.size(); i++) {
      requireFits(texts.get(i), "texts[" + i + "]");
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingInt(i -> texts.get(i).size()));
    PerToken[] scores = new PerToken[texts.size()];
    List<Integer> batch = new ArrayList<>();
    for (int index : order) {
      if (!batch.isEmpty() && (batch.size() + 1) * texts.get(index).size() > TOKEN_BUDGET) {
        scoreWhileOpen(texts, batch, scores);
        batch.clear();
      }
      batch.add(index);
    }
    if (!batch.isEmpty()) {
      scoreWhileOpen(texts, batch, scores);
    }
    return List.of(scores);
  }

  private void scoreWhileOpen(List<TokenIds> texts, List<Integer> batch, PerToken[] scores) {
    life.readLock().lock();
    try {
      if (closed) {
        throw new ModelException(Reason.CLOSED, "the classifier was closed");
      }
      score(texts, batch, scores);
    } finally {
      life.readLock().unlock();
    }
  }

  private void score(List<TokenIds> texts, List<Integer> batch, PerToken[] scores) {
    int rows = batch.size();
    int length = texts.get(batch.getLast()).size();
    long[] ids = new long[rows * length];
    long[] last = new long[rows];
    for (int b = 0; b < rows; b++) {
      TokenIds text = texts.get(batch.get(b));
      for (int t = 0; t < text.size(); t++) {
        ids[b * length + t] = text.get(t);
      }
      last[b] = (long) b * length + last(text);
    }
    float[] all;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      DecoderNetwork network = weights.network();
      Tensor residual =
          network.hidden(
              Tensors.of(ids, rows, length),
              rotary.first(length),
              DecoderNetwork.withoutMemory(null));
      Tensor ends = residual.view(-1, config.hiddenSize()).index_select(0, Tensors.of(last, rows));
      all = Tensors.floats(torch.linear(network.normalized(ends), head));
    }
    for (int b = 0; b < rows; b++) {
      scores[batch.get(b)] = PerToken.of(Arrays.copyOfRange(all, b * labels, (b + 1) * labels));
    }
  }

  /** The token that scores a text; the first of one that is padding throughout. */
  private int last(TokenIds text) {
    int t = text.size() - 1;
    while (t > 0 && text.get(t) == padTokenId) {
      t--;
    }
    return t;
  }

  private void requireFits(TokenIds text, String name) {
    if (text.size() == 0 || text.size() > config.contextTokens()) {
      throw new IllegalArgumentException(
          name + ": " + text.size() + " tokens (expected: 1 to " + config.contextTokens() + ")");
    }
    for (int t = 0; t < text.size(); t++) {
      if (text.get(t) < 0 || text.get(t) >= config.vocabularySize()) {
        throw new IllegalArgumentException(
            name
                + "["
                + t
                + "]: "
                + text.get(t)
                + " (expected: ≥ 0 and < "
                + config.vocabularySize()
                + ")");
      }
    }
  }

  @Override
  public void close() {
    life.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        head.releaseReference();
        weights.close();
        rotary.close();
      }
    } finally {
      life.writeLock().unlock();
    }
  }
}
