package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Groups laid out as rows [prompt | completion 1 | … | completion G], so that the prompt is
 * computed once: a completion's tokens see the prompt and the tokens before them in their own
 * completion, and their positions go on from the prompt's end. A completion's last token predicts
 * nothing and is left out.
 *
 * <p>Shape letters: B groups, L length of the longest row, N predicted tokens of all groups.
 */
final class PackedGroups {
  /** Tokens of a row whose mask an array can hold. */
  private static final int MOST_MASKED = 46_340;

  /** A row's length by what one completion sees, from which on a mask hides too much. */
  private static final int MOSTLY_HIDDEN = 3;

  /** Places of keys and values side by side for each token of a row. */
  private static final int MOST_COPIES = 2;

  private final List<CompletionGroup> groups;
  private final int length;
  private final int predicted;

  PackedGroups(List<CompletionGroup> groups) {
    this.groups = List.copyOf(groups);
    this.length = this.groups.stream().mapToInt(PackedGroups::rowLength).max().orElseThrow();
    this.predicted =
        this.groups.stream()
            .flatMap(group -> group.completions().stream())
            .mapToInt(TokenIds::size)
            .sum();
  }

  /** Whether each token looks at all before it: no prompt has two completions. */
  static boolean isCausal(List<CompletionGroup> groups) {
    return groups.stream().allMatch(group -> group.size() <= 1);
  }

  /** Tokens in the row of {@code group}. */
  static int rowLength(CompletionGroup group) {
    int length = group.prompt().size();
    for (TokenIds completion : group.completions()) {
      length += Math.max(0, completion.size() - 1);
    }
    return length;
  }

  /**
   * Checks a group against a model's limits.
   *
   * @throws IllegalArgumentException naming the completion that is too long, the group whose
   *     completions are so together, or the id that the vocabulary lacks
   */
  static void requireFits(CompletionGroup group, int index, DecoderConfig config) {
    requireIds(group.prompt(), "groups[" + index + "].prompt", config);
    if (group.size() > 1 && rowLength(group) > MOST_MASKED) {
      throw new IllegalArgumentException(
          "groups[%d]: %,d tokens in %d completions behind one prompt, limit %,d"
              .formatted(index, rowLength(group), group.size(), MOST_MASKED));
    }
    for (int g = 0; g < group.size(); g++) {
      TokenIds completion = group.completions().get(g);
      String name = "groups[" + index + "].completions[" + g + "]";
      requireIds(completion, name, config);
      long positions = (long) group.prompt().size() + Math.max(0, completion.size() - 1);
      if (positions > config.contextTokens()) {
        throw new IllegalArgumentException(
            name
                + ": "
                + completion.size()
                + " tokens after a prompt of "
                + group.prompt().size()
                + ", limit "
                + config.contextTokens()
                + " together");
      }
    }
  }

  private static void requireIds(TokenIds ids, String name, DecoderConfig config) {
    for (int t = 0; t < ids.size(); t++) {
      if (ids.get(t) < 0 || ids.get(t) >= config.vocabularySize()) {
        throw new IllegalArgumentException(
            name
                + "["
                + t
                + "]: "
                + ids.get(t)
                + " (expected: ≥ 0 and < "
                + config.vocabularySize()
                + ")");
      }
    }
  }

  /** Number of predicted tokens, N. */
  int predicted() {
    return predicted;
  }

  /** Returns the ids, shape [B, L]; 0 after a row's end. */
  Tensor ids() {
    return Tensors.of(perRowToken(PackedGroups::fillIds), rows(), length);
  }

  /** Returns each token's position, shape [B, L]; 0 after a row's end. */
  Tensor positions() {
    return Tensors.of(perRowToken(PackedGroups::fillPositions), rows(), length);
  }

  private interface RowFill {
    void fill(CompletionGroup group, long[] flat, int rowStart);
  }

  private long[] perRowToken(RowFill fill) {
    long[] flat = new long[groups.size() * length];
    for (int b = 0; b < groups.size(); b++) {
      fill.fill(groups.get(b), flat, b * length);
    }
    return flat;
  }

  private static void fillIds(CompletionGroup group, long[] flat, int rowStart) {
    int at = rowStart;
    for (int t = 0; t < group.prompt().size(); t++) {
      flat[at++] = group.prompt().get(t);
    }
    for (TokenIds completion : group.completions()) {
      for (int t = 0; t < completion.size() - 1; t++) {
        flat[at++] = completion.get(t);
      }
    }
  }

  private static void fillPositions(CompletionGroup group, long[] flat, int rowStart) {
    int at = rowStart;
    int prompt = group.prompt().size();
    for (int t = 0; t < prompt; t++) {
      flat[at++] = t;
    }
    for (TokenIds completion : group.completions()) {
      for (int t = 0; t < completion.size() - 1; t++) {
        flat[at++] = prompt + t;
      }
    }
  }

  /**
   * Returns who looks at whom. Where rows are so long beside what one completion sees that a mask
   * would hide most of what is computed, completions are computed side by side; not where many of
   * them follow a long prompt, whose keys and values each would have a copy of.
   */
  DecoderNetwork.AttentionMemory attention(ScalarType type) {
    int seen = groups.stream().mapToInt(PackedGroups::mostSeen).max().orElseThrow();
    long places = groups.stream().mapToLong(GroupedAttention::places).max().orElseThrow();
    return length >= MOSTLY_HIDDEN * seen && places <= MOST_COPIES * (long) length
        ? new GroupedAttention(groups, length, type)
        : DecoderNetwork.withoutMemory(mask(type));
  }

  /** Tokens that the last one of the longest completion looks at. */
  private static int mostSeen(CompletionGroup group) {
    int longest = group.completions().stream().mapToInt(TokenIds::size).max().orElse(0);
    return group.prompt().size() + Math.max(0, longest - 1);
  }

  /**
   * Returns what is added to attention: 0 where a token may look, −∞ elsewhere; [B, 1, L, L]. Null
   * where no prompt has two completions: then a token looks at all before it, and what comes after
   * a row's end at what nobody reads.
   */
  @Nullable Tensor mask(ScalarType type) {
    if (isCausal(groups)) {
      return null;
    }
    float[] mask = new float[groups.size() * length * length];
    Arrays.fill(mask, Float.NEGATIVE_INFINITY);
    for (int b = 0; b < groups.size(); b++) {
      CompletionGroup group = groups.get(b);
      int prompt = group.prompt().size();
      int token = 0;
      for (; token < prompt; token++) {
        see(mask, b, token, 0, token);
      }
      for (TokenIds completion : group.completions()) {
        int start = token;
        for (; token < start + completion.size() - 1; token++) {
          see(mask, b, token, 0, prompt - 1);
          see(mask, b, token, start, token);
        }
      }
      for (; token < length; token++) {
        see(mask, b, token, token, token); // padding: a softmax over nothing would be NaN
      }
    }
    return Tensors.of(mask, rows(), 1, length, length).to(type);
  }

  private void see(float[] mask, int row, int token, int first, int last) {
    int from = (row * length + token) * length;
    Arrays.fill(mask, from + first, from + last + 1, 0);
  }

  /** Returns where in [B · L] each predicted token is predicted, shape [N]. */
  Tensor predictors() {
    long[] predictors = new long[predicted];
    int n = 0;
    for (int b = 0; b < groups.size(); b++) {
      int prompt = groups.get(b).prompt().size();
      int start = prompt;
      for (TokenIds completion : groups.get(b).completions()) {
        for (int t = 0; t < completion.size(); t++) {
          predictors[n++] = (long) b * length + (t == 0 ? prompt - 1 : start + t - 1);
        }
        start += Math.max(0, completion.size() - 1);
      }
    }
    return Tensors.of(predictors, predicted);
  }

  /** Returns the predicted ids, shape [N]. */
  Tensor targets() {
    long[] targets = new long[predicted];
    int n = 0;
    for (CompletionGroup group : groups) {
      for (TokenIds completion : group.completions()) {
        for (int t = 0; t < completion.size(); t++) {
          targets[n++] = completion.get(t);
        }
      }
    }
    return Tensors.of(targets, predicted);
  }

  /** Cuts numbers of shape [N] into those of each group's completions. */
  List<List<PerToken>> split(float[] values) {
    List<List<PerToken>> all = new ArrayList<>();
    int n = 0;
    for (CompletionGroup group : groups) {
      List<PerToken> ofGroup = new ArrayList<>();
      for (TokenIds completion : group.completions()) {
        ofGroup.add(PerToken.of(Arrays.copyOfRange(values, n, n + completion.size())));
        n += completion.size();
      }
      all.add(ofGroup);
    }
    return all;
  }

  private int rows() {
    return groups.size();
  }

  /**
   * Sorts groups into batches of about {@code tokenBudget} tokens, padding included, similar
   * lengths together.
   *
   * @return the indices of each batch's groups
   */
  static List<List<Integer>> batches(List<CompletionGroup> groups, int tokenBudget) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      order.add(i);
    }
    order.sort((a, b) -> Integer.compare(rowLength(groups.get(a)), rowLength(groups.get(b))));
    List<List<Integer>> batches = new ArrayList<>();
    List<Integer> batch = new ArrayList<>();
    for (int index : order) {
      long padded = (long) (batch.size() + 1) * rowLength(groups.get(index));
      if (!batch.isEmpty() && padded > tokenBudget) {
        batches.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(index);
    }
    if (!batch.isEmpty()) {
      batches.add(batch);
    }
    return batches;
  }
}
