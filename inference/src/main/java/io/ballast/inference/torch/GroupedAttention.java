package io.ballast.inference.torch;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Attention of rows as {@link PackedGroups} lays them out, [prompt | completion 1 | … | completion
 * G], in two steps for each row: the prompt by itself, then its completions side by side, each of
 * which looks at the prompt and at its own beginning. No token is multiplied with those of other
 * completions, which a mask over the whole row computes and throws away: with eight completions as
 * long as their prompt that is three quarters of attention.
 *
 * <p>Shape letters: G completions with a token of their own, C the most of these, P the prompt's, H
 * heads, E head size.
 */
final class GroupedAttention implements DecoderNetwork.AttentionMemory {
  private final List<Row> rows = new ArrayList<>();
  private final long length;

  /**
   * A row.
   *
   * @param prompt P
   * @param completions G
   * @param longest C
   * @param own tokens of all completions
   * @param into for each place of [G · C] a token of the completions; absent where it is each in
   *     their order
   * @param back for each token of the completions its place in [G · C]; absent likewise
   * @param mask what is added, shape [C, P + C]; absent without a token of the completions
   */
  private record Row(
      long prompt,
      long completions,
      long longest,
      long own,
      @Nullable Tensor into,
      @Nullable Tensor back,
      @Nullable Tensor mask) {
    static Row of(CompletionGroup group, ScalarType type) {
      int prompt = group.prompt().size();
      List<Integer> own =
          group.completions().stream()
              .map(TokenIds::size)
              .filter(n -> n > 1)
              .map(n -> n - 1)
              .toList();
      int longest = own.stream().mapToInt(Integer::intValue).max().orElse(0);
      long[] into = new long[own.size() * longest];
      List<Long> back = new ArrayList<>();
      int start = 0;
      for (int g = 0; g < own.size(); g++) {
        for (int t = 0; t < longest; t++) {
          into[g * longest + t] = start + Math.min(t, own.get(g) - 1); // past its end: any token
          if (t < own.get(g)) {
            back.add((long) g * longest + t);
          }
        }
        start += own.get(g);
      }
      boolean even = back.size() == into.length;
      return new Row(
          prompt,
          own.size(),
          longest,
          back.size(),
          even ? null : Tensors.of(into, into.length),
          even ? null : Tensors.of(back),
          own.isEmpty() ? null : mask(prompt, longest).to(type));
    }

    /** What is past a completion's end comes after all of its tokens: the order alone hides it. */
    private static Tensor mask(int prompt, int longest) {
      int width = prompt + longest;
      float[] mask = new float[longest * width];
      for (int t = 0; t < longest; t++) {
        Arrays.fill(mask, t * width + prompt + t + 1, (t + 1) * width, Float.NEGATIVE_INFINITY);
      }
      return Tensors.of(mask, longest, width);
    }

    /** Completions side by side, [1, H, own, E] → [G, H, C, E]. */
    Tensor beside(Tensor x) {
      Tensor tokens = into == null ? x : x.index_select(2, into);
      return tokens.reshape(x.size(1), completions, longest, x.size(3)).transpose(0, 1);
    }

    /** The same, each with the prompt, [1, H, P, E], before it: [G, H, P + C, E]. */
    Tensor afterPrompt(Tensor promptTokens, Tensor x) {
      Tensor shared = promptTokens.expand(completions, x.size(1), prompt, x.size(3));
      return torch.cat(new TensorVector(shared, beside(x)), 2);
    }

    /** Completions one after the other, [G, H, C, E] → [1, H, own, E]. */
    Tensor behindEachOther(Tensor x) {
      Tensor tokens = x.transpose(0, 1).reshape(1, x.size(1), completions * longest, x.size(3));
      return back == null ? tokens : tokens.index_select(2, back);
    }
  }

  /**
   * Places of keys and values that are computed for {@code group}, G · (P + C): the prompt's are
   * there once for each completion.
   */
  static long places(CompletionGroup group) {
    long completions = group.completions().stream().filter(each -> each.size() > 1).count();
    int longest = group.completions().stream().mapToInt(TokenIds::size).max().orElse(0);
    return completions * (group.prompt().size() + Math.max(0, longest - 1));
  }

  /**
   * Lays out attention.
   *
   * @param length of a row, L: what is past the end of a shorter one looks at nothing
   * @param type of queries, keys and values
   */
  GroupedAttention(List<CompletionGroup> groups, int length, ScalarType type) {
    this.length = length;
    groups.forEach(group -> rows.add(Row.of(group, type)));
  }

  @Override
  public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
    TensorVector queries = query.split(1, 0);
    TensorVector keys = key.split(1, 0);
    TensorVector values = value.split(1, 0);
    TensorVector all = new TensorVector();
    for (int b = 0; b < rows.size(); b++) {
      all.push_back(attend(rows.get(b), queries.get(b), keys.get(b), values.get(b)));
    }
    return torch.cat(all, 0);
  }

  private Tensor attend(Row row, Tensor query, Tensor key, Tensor value) {
    long past = length - row.prompt() - row.own();
    long[] sizes = {row.prompt(), row.own(), past};
    TensorVector queries = query.split(sizes, 2);
    TensorVector keys = key.split(sizes, 2);
    TensorVector values = value.split(sizes, 2);
    TensorVector parts = new TensorVector();
    parts.push_back(DecoderNetwork.attend(queries.get(0), keys.get(0), values.get(0), null, true));
    if (row.own() > 0) {
      parts.push_back(
          row.behindEachOther(
              DecoderNetwork.attend(
                  row.beside(queries.get(1)),
                  row.afterPrompt(keys.get(0), keys.get(1)),
                  row.afterPrompt(values.get(0), values.get(1)),
                  row.mask(),
                  false)));
    }
    if (past > 0) {
      parts.push_back(
          torch.zeros(
              new long[] {1, query.size(1), past, query.size(3)},
              new TensorOptions(query.scalar_type())));
    }
    return torch.cat(parts, 2);
  }
}
