package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The last layer with its softmax, forward and backward, in pieces of rows that stay in the cache.
 *
 * <p>The derivative is written out, since it is short: with p = softmax(z), logp of the target y
 * and H the entropy,
 *
 * <pre>∂(w·logp + v·H)/∂zⱼ = w·[j = y] − pⱼ·(w + v·(log pⱼ + H))</pre>
 *
 * <p>All methods are called inside the caller's scope, which holds what they return; what a piece
 * takes on the way goes with the piece. Shape letters: N rows, D hidden size, V vocabulary.
 */
final class LanguageHead {
  private static final long PIECE_ROWS = 256;

  private final Tensor weight;
  private final ScalarType fullType;

  /**
   * Binds the weights.
   *
   * @param weight shape [V, D], without gradients
   * @param fullType the type of log-probabilities
   */
  LanguageHead(Tensor weight, ScalarType fullType) {
    this.weight = weight;
    this.fullType = fullType;
  }

  /**
   * What the head says of N rows.
   *
   * @param input shape [N, D], normalised, detached
   * @param targets shape [N]
   * @param pieces log-probabilities of all ids, shape [≤ 256, V] each
   * @param logProbs of the targets, shape [N]
   * @param entropies shape [N]
   */
  record Prediction(
      Tensor input, Tensor targets, List<Tensor> pieces, Tensor logProbs, Tensor entropies) {}

  /** Returns log-probabilities and entropies, and keeps what {@link #backward} needs. */
  Prediction forward(Tensor input, Tensor targets) {
    PointerScope outer = PointerScope.getInnerScope();
    try (NoGradGuard off = new NoGradGuard()) {
      List<Tensor> pieces = new ArrayList<>();
      TensorVector logProbs = new TensorVector();
      TensorVector entropies = new TensorVector();
      for (long from = 0; from < input.size(0); from += PIECE_ROWS) {
        try (PointerScope scope = new PointerScope()) {
          Tensor all = logProbsOfAll(input, from, Math.min(PIECE_ROWS, input.size(0) - from));
          outer.attach(all);
          pieces.add(all);
          logProbs.push_back(ofTargets(all, targets, from));
          entropies.push_back(entropies(all));
        }
      }
      return new Prediction(
          input.detach(), targets, pieces, torch.cat(logProbs, 0), torch.cat(entropies, 0));
    }
  }

  /** Reads what the head says of some rows. */
  @FunctionalInterface
  interface PieceReader {
    /**
     * Reads; the tensors are gone afterwards.
     *
     * @param from the first row
     * @param all log-probabilities of all ids, shape [≤ 256, V]
     * @param logProbs of the targets, shape [≤ 256]
     * @param entropies shape [≤ 256]
     */
    void read(int from, Tensor all, Tensor logProbs, Tensor entropies);
  }

  /** Tells what {@link #forward} returns, piece after piece, and keeps none of it. */
  void read(Tensor input, Tensor targets, PieceReader reader) {
    try (NoGradGuard off = new NoGradGuard()) {
      for (long from = 0; from < input.size(0); from += PIECE_ROWS) {
        try (PointerScope scope = new PointerScope()) {
          Tensor all = logProbsOfAll(input, from, Math.min(PIECE_ROWS, input.size(0) - from));
          reader.read((int) from, all, ofTargets(all, targets, from), entropies(all));
        }
      }
    }
  }

  private static Tensor ofTargets(Tensor all, Tensor targets, long from) {
    return all.gather(1, targets.narrow(0, from, all.size(0)).unsqueeze(1)).squeeze(1);
  }

  private static Tensor entropies(Tensor all) {
    return all.exp().mul_(all).sum(new long[] {1}, false, Tensors.sameType()).neg();
  }

  private Tensor logProbsOfAll(Tensor input, long from, long rows) {
    Tensor logits = torch.linear(input.narrow(0, from, rows).contiguous(), weight);
    return torch.log_softmax(logits.to(fullType), 1);
  }

  /**
   * Back-propagates Σ w·logp + Σ v·H.
   *
   * @param byLogProb w, shape [N]
   * @param byEntropy v, shape [N]; absent means zeros
   * @param weightGradient shape [V, D], full type; the head's gradient is added to it. Absent if
   *     the head is not trained
   * @return the gradient by the input, shape [N, D]
   */
  Tensor backward(
      Prediction prediction,
      Tensor byLogProb,
      @Nullable Tensor byEntropy,
      @Nullable Tensor weightGradient) {
    try (NoGradGuard off = new NoGradGuard()) {
      TensorVector byInput = new TensorVector();
      long from = 0;
      for (Tensor piece : prediction.pieces()) {
        try (PointerScope scope = new PointerScope()) {
          long rows = piece.size(0);
          Tensor w = byLogProb.narrow(0, from, rows).unsqueeze(1);
          Tensor byLogit;
          if (byEntropy == null) {
            byLogit = piece.exp().mul_(w.neg());
          } else {
            Tensor v = byEntropy.narrow(0, from, rows).unsqueeze(1);
            Tensor entropy = prediction.entropies().narrow(0, from, rows).unsqueeze(1);
            byLogit = piece.add(entropy).mul_(v).add_(w).mul_(piece.exp()).neg_();
          }
          byLogit.scatter_add_(1, prediction.targets().narrow(0, from, rows).unsqueeze(1), w);
          byInput.push_back(
              propagate(byLogit, prediction.input().narrow(0, from, rows), weightGradient));
          from += rows;
        }
      }
      return torch.cat(byInput, 0);
    }
  }

  private Tensor propagate(Tensor byLogit, Tensor input, @Nullable Tensor weightGradient) {
    Tensor gradient = byLogit.to(weight.scalar_type());
    if (weightGradient != null) {
      weightGradient.add_(gradient.t().mm(input), new Scalar(1.0));
    }
    return gradient.mm(weight);
  }

  /**
   * Forward and backward at once for the mean cross-entropy, one piece in memory at a time.
   *
   * @param weightGradient as for {@link #backward}
   * @return the gradient by the input, shape [N, D], and the summed loss through {@code lossSum}
   */
  Tensor crossEntropy(
      Tensor input, Tensor targets, @Nullable Tensor weightGradient, double[] lossSum) {
    try (NoGradGuard off = new NoGradGuard()) {
      TensorVector byInput = new TensorVector();
      long count = input.size(0);
      for (long from = 0; from < count; from += PIECE_ROWS) {
        try (PointerScope scope = new PointerScope()) {
          long rows = Math.min(PIECE_ROWS, count - from);
          Tensor target = targets.narrow(0, from, rows).unsqueeze(1);
          Tensor all = logProbsOfAll(input, from, rows);
          lossSum[0] -= all.gather(1, target).sum().item_double();
          Tensor byLogit = all.exp_().mul_(new Scalar(1.0 / count));
          byLogit.scatter_add_(
              1,
              target,
              torch.full(
                  new long[] {rows, 1}, new Scalar(-1.0 / count), new TensorOptions(fullType)));
          byInput.push_back(propagate(byLogit, input.narrow(0, from, rows), weightGradient));
        }
      }
      return torch.cat(byInput, 0);
    }
  }

  /** Returns the mean cross-entropy in nats a row, one piece in memory at a time. */
  double meanCrossEntropy(Tensor input, Tensor targets) {
    double sum = 0;
    for (long from = 0; from < input.size(0); from += PIECE_ROWS) {
      try (PointerScope scope = new PointerScope()) {
        long rows = Math.min(PIECE_ROWS, input.size(0) - from);
        Tensor target = targets.narrow(0, from, rows).unsqueeze(1);
        sum -= logProbsOfAll(input, from, rows).gather(1, target).sum().item_double();
      }
    }
    return sum / input.size(0);
  }
}
