package io.ballast.inference.torch;

import io.ballast.inference.api.NotFiniteException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenScores.Alternative;
import io.ballast.inference.torch.LanguageHead.Prediction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Scores groups of completions under some weights, and back-propagates what a caller makes of it.
 */
final class GroupComputation {
  /**
   * Tokens of a micro-batch, padding included: enough to keep products efficient, few enough for
   * what it takes (docs/decisions/2026-11-29-freed-memory.md).
   */
  static final int TOKEN_BUDGET = 1_280;

  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final Trained trained;

  /** Computes with weights that are all that is trained, if anything is. */
  GroupComputation(TrainedWeights weights, RotaryTable rotary) {
    this(weights, rotary, weights);
  }

  /**
   * Computes with weights and what is trained on them.
   *
   * @param trained the weights themselves, or adapters on them
   */
  GroupComputation(TrainedWeights weights, RotaryTable rotary, Trained trained) {
    this.weights = weights;
    this.rotary = rotary;
    this.trained = trained;
  }

  /** Returns the scores of {@code groups}, in their order; no gradients. */
  List<GroupScores> scores(List<CompletionGroup> groups) {
    return scores(groups, 0, 0);
  }

  /**
   * Returns the scores of {@code groups}, in their order; no gradients.
   *
   * @param alternatives how many of the likeliest tokens to name in each place
   * @param vocabularySize the ids that may be named; the model may have more, which are left out
   *     but weigh in the log-probabilities; ≥ {@code alternatives}
   */
  List<GroupScores> scores(List<CompletionGroup> groups, int alternatives, int vocabularySize) {
    requireFits(groups);
    List<@Nullable GroupScores> scores = nulls(groups.size());
    for (List<Integer> batch : PackedGroups.batches(groups, TOKEN_BUDGET)) {
      scores(batch, groups, alternatives, vocabularySize, scores);
    }
    return complete(scores);
  }

  /**
   * Scores a micro-batch; no gradients. Any number of threads at a time.
   *
   * @param batch which of {@code groups}
   * @param scores takes the scores of each group of the batch, by its index
   */
  void scores(
      List<Integer> batch, List<CompletionGroup> groups, List<@Nullable GroupScores> scores) {
    scores(batch, groups, 0, 0, scores);
  }

  private void scores(
      List<Integer> batch,
      List<CompletionGroup> groups,
      int alternatives,
      int vocabularySize,
      List<@Nullable GroupScores> scores) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      PackedGroups packed = new PackedGroups(batch.stream().map(groups::get).toList());
      int predicted = packed.predicted();
      float[] logProbs = new float[predicted];
      float[] entropies = new float[predicted];
      float[] values = new float[0];
      List<List<Alternative>> likeliest = new ArrayList<>();
      if (predicted > 0) {
        Tensor input = headInput(packed);
        values = values(input);
        head()
            .read(
                input,
                packed.targets(),
                (from, all, ofTargets, ofEntropies) -> {
                  copy(Tensors.floats(ofTargets), logProbs, from);
                  copy(Tensors.floats(ofEntropies), entropies, from);
                  addLikeliest(all, alternatives, vocabularySize, likeliest);
                });
      }
      put(scores, batch, packed, new Said(logProbs, entropies, values), likeliest);
    }
  }

  /**
   * Adds the gradients of a loss to those that the weights hold.
   *
   * @param batch which of {@code groups} are computed together
   * @param gradients called once for each group of the batch, in its order
   * @param scores takes the scores of each group of the batch, by its index
   * @throws IllegalArgumentException if a gradient given is not finite or of another shape, named
   * @throws NotFiniteException if a score is not finite
   */
  void forwardBackward(
      List<Integer> batch,
      List<CompletionGroup> groups,
      TokenGradientFunction gradients,
      List<@Nullable GroupScores> scores) {
    try (PointerScope scope = new PointerScope()) {
      PackedGroups packed = new PackedGroups(batch.stream().map(groups::get).toList());
      if (packed.predicted() == 0) {
        float[] nothing = new float[0];
        put(scores, batch, packed, new Said(nothing, nothing, nothing), List.of());
        return;
      }
      Tensor input = headInput(packed);
      Tensor byInput = ofHead(input, packed, batch, groups, gradients, scores);
      if (byInput != null) {
        input.backward(byInput, new BoolOptional(), false, new TensorArrayRefOptional());
        trained.collectGradients();
      }
    }
  }

  /**
   * The gradient by the head's input, shape [N, D], or null if the loss has none; adds those of the
   * head and of the critic.
   */
  private @Nullable Tensor ofHead(
      Tensor input,
      PackedGroups packed,
      List<Integer> batch,
      List<CompletionGroup> groups,
      TokenGradientFunction gradients,
      List<@Nullable GroupScores> scores) {
    PointerScope outer = PointerScope.getInnerScope();
    try (PointerScope scope = new PointerScope()) {
      Prediction prediction = head().forward(input.detach(), packed.targets());
      put(
          scores,
          batch,
          packed,
          new Said(
              Tensors.floats(prediction.logProbs()),
              Tensors.floats(prediction.entropies()),
              values(prediction.input())),
          Collections.nCopies(packed.predicted(), List.of()));
      GivenGradients given = new GivenGradients(packed.predicted(), hasCritic());
      for (int index : batch) {
        GroupScores ofGroup = Objects.requireNonNull(scores.get(index));
        given.add(index, groups.get(index), gradients.gradients(index, ofGroup));
      }
      if (given.allZero()) {
        return null; // as of a policy beside which a critic on another trunk learns alone
      }
      Tensor byInput =
          head()
              .backward(
                  prediction,
                  given.byLogProbs(weights.fullType()),
                  given.byEntropies(weights.fullType()),
                  trained.headGradients().orElse(null));
      Tensor byValues = given.byValues(weights.fullType());
      if (byValues != null) {
        Tensor more = critic().backward(prediction.input(), byValues);
        byInput = byInput.add(more.to(byInput.scalar_type()));
      }
      outer.attach(byInput);
      return byInput;
    }
  }

  private boolean hasCritic() {
    return trained.critic().isPresent();
  }

  private ValueHead critic() {
    return trained.critic().orElseThrow();
  }

  /** The critic's values, shape [N]; none where there is no critic. */
  private float[] values(Tensor input) {
    return hasCritic() ? Tensors.floats(critic().values(input)) : new float[0];
  }

  /**
   * Checks groups against the model's limits.
   *
   * @throws IllegalArgumentException naming the group or completion that does not fit
   */
  void requireFits(List<CompletionGroup> groups) {
    for (int i = 0; i < groups.size(); i++) {
      PackedGroups.requireFits(groups.get(i), i, weights.layout().config());
    }
  }

  private LanguageHead head() {
    return new LanguageHead(weights.network().head().detach(), weights.fullType());
  }

  private Tensor headInput(PackedGroups packed) {
    return headInput(weights, rotary, trained.products(), packed);
  }

  /** The states from which packed tokens are predicted, normalised, shape [N, D]. */
  static Tensor headInput(
      TrainedWeights weights, RotaryTable rotary, Products products, PackedGroups packed) {
    DecoderNetwork network = weights.network();
    Tensor residual =
        network.hidden(
            packed.ids(),
            rotary.at(packed.positions()),
            packed.attention(weights.fullType()),
            products);
    return network.normalized(
        residual
            .view(-1, weights.layout().config().hiddenSize())
            .index_select(0, packed.predictors()));
  }

  private static void copy(float[] values, float[] target, int from) {
    System.arraycopy(values, 0, target, from, values.length);
  }

  /** Adds the likeliest tokens in each place of a piece. */
  private static void addLikeliest(
      Tensor piece, int count, int vocabularySize, List<List<Alternative>> likeliest) {
    if (count == 0) {
      likeliest.addAll(Collections.nCopies((int) piece.size(0), List.of()));
      return;
    }
    T_TensorTensor_T top = torch.topk(piece.narrow(1, 0, vocabularySize), count);
    float[] logProbs = Tensors.floats(top.get0());
    long[] ids = Tensors.longs(top.get1());
    for (int n = 0; n < piece.size(0); n++) {
      List<Alternative> here = new ArrayList<>();
      for (int k = n * count; k < (n + 1) * count; k++) {
        here.add(new Alternative((int) ids[k], logProbs[k]));
      }
      likeliest.add(here);
    }
  }

  /** What a decoder says of a micro-batch, shape [N] each; no values where there is no critic. */
  private static final class Said {
    final float[] logProbs;
    final float[] entropies;
    final float[] values;

    Said(float[] logProbs, float[] entropies, float[] values) {
      this.logProbs = logProbs;
      this.entropies = entropies;
      this.values = values;
    }

    /** Refuses numbers that are not finite. */
    void requireFinite() {
      for (int n = 0; n < logProbs.length; n++) {
        if (!Float.isFinite(logProbs[n]) || !Float.isFinite(entropies[n])) {
          throw new NotFiniteException(
              "log-probability: "
                  + logProbs[n]
                  + ", entropy: "
                  + entropies[n]
                  + " (expected: finite)");
        }
      }
      for (float value : values) {
        if (!Float.isFinite(value)) {
          throw new NotFiniteException("value: " + value + " (expected: finite)");
        }
      }
    }
  }

  private void put(
      List<@Nullable GroupScores> scores,
      List<Integer> batch,
      PackedGroups packed,
      Said said,
      List<List<Alternative>> alternatives) {
    said.requireFinite();
    List<List<PerToken>> logProbsOf = packed.split(said.logProbs);
    List<List<PerToken>> entropiesOf = packed.split(said.entropies);
    List<List<PerToken>> valuesOf = hasCritic() ? packed.split(said.values) : List.of();
    int from = 0;
    for (int b = 0; b < batch.size(); b++) {
      List<List<List<Alternative>>> alternativesOf = new ArrayList<>();
      for (PerToken completion : logProbsOf.get(b)) {
        alternativesOf.add(List.copyOf(alternatives.subList(from, from + completion.size())));
        from += completion.size();
      }
      scores.set(
          batch.get(b),
          new GroupScores(
              logProbsOf.get(b),
              entropiesOf.get(b),
              hasCritic() ? valuesOf.get(b) : List.of(),
              alternativesOf));
    }
  }

  /** Places for so many scores. */
  static List<@Nullable GroupScores> nulls(int count) {
    List<@Nullable GroupScores> list = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      list.add(null);
    }
    return list;
  }

  /** The scores, of which none is missing. */
  static List<GroupScores> complete(List<@Nullable GroupScores> scores) {
    return scores.stream().map(Objects::requireNonNull).toList();
  }
}
