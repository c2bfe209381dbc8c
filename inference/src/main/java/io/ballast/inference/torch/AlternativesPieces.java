package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.search.NextTokenModel.Alternative;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Finds the likeliest tokens after each text, about {@link #TOKENS} tokens at a time. */
final class AlternativesPieces implements Supplier<Optional<List<List<Alternative>>>> {
  /** Tokens of a piece, padding included: what a row under way may have to wait for. */
  private static final int TOKENS = 512;

  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final int vocabularySize;
  private final List<TokenIds> texts;
  private final int count;
  private final List<List<Alternative>> found = new ArrayList<>();

  /**
   * @param vocabularySize the ids that the tokenizer knows; the model may have more, which are left
   *     out but weigh in the log-probabilities
   */
  AlternativesPieces(
      TrainedWeights weights,
      RotaryTable rotary,
      int vocabularySize,
      List<TokenIds> texts,
      int count) {
    this.weights = weights;
    this.rotary = rotary;
    this.vocabularySize = vocabularySize;
    this.texts = texts;
    this.count = Math.min(count, vocabularySize);
  }

  @Override
  public Optional<List<List<Alternative>>> get() {
    int from = found.size();
    int to = from;
    int longest = 0;
    while (to < texts.size()) {
      int length = Math.max(longest, texts.get(to).size());
      if (to > from && length * (to - from + 1) > TOKENS) {
        break;
      }
      longest = length;
      to++;
    }
    if (to > from) {
      find(texts.subList(from, to), longest);
    }
    return found.size() < texts.size() ? Optional.empty() : Optional.of(List.copyOf(found));
  }

  private void find(List<TokenIds> batch, int longest) {
    int rows = batch.size();
    long[] ids = new long[rows * longest];
    long[] last = new long[rows];
    for (int b = 0; b < rows; b++) {
      TokenIds text = batch.get(b);
      for (int t = 0; t < text.size(); t++) {
        ids[b * longest + t] = text.get(t);
      }
      last[b] = (long) b * longest + text.size() - 1;
    }
    try (PointerScope scope = new PointerScope()) {
      DecoderNetwork network = weights.network();
      Tensor residual =
          network.hidden(
              Tensors.of(ids, rows, longest),
              rotary.first(longest),
              DecoderNetwork.withoutMemory(null));
      Tensor ends =
          residual
              .view(-1, weights.layout().config().hiddenSize())
              .index_select(0, Tensors.of(last, rows));
      Tensor logits = torch.linear(network.normalized(ends), network.head()).to(ScalarType.Float);
      Tensor logProbs = torch.log_softmax(logits, 1).narrow(1, 0, vocabularySize);
      T_TensorTensor_T top = torch.topk(logProbs, count);
      float[] values = Tensors.floats(top.get0());
      long[] tokens = Tensors.longs(top.get1());
      for (int b = 0; b < rows; b++) {
        List<Alternative> alternatives = new ArrayList<>();
        for (int i = b * count; i < (b + 1) * count; i++) {
          if (Float.isNaN(values[i])) {
            throw new ModelException(Reason.BROKEN, "logits: not all are finite");
          }
          alternatives.add(new Alternative((int) tokens[i], values[i]));
        }
        found.add(List.copyOf(alternatives));
      }
    }
  }
}
