package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.batching.Shareable;
import io.ballast.kit.call.ItemFault;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/**
 * How completions' scores are shared: beside the version, the tokens that the model sees say all
 * that a score depends on.
 *
 * @param whole whether every head gave a finite score
 * @param bytes the memory of a result
 * @param refusal a result of what kept a completion from being scored
 * @param <R> what comes of a completion
 */
public record ScoreSharing<R>(
    Predicate<R> whole, ToIntFunction<R> bytes, Function<ItemFault, R> refusal)
    implements Shareable<TokenIds, TokenIds, R> {
  /** Of an entry, its question, two sequences of tokens with their arrays. */
  private static final int ENTRY_BYTES = 232;

  @Override
  public int weight(TokenIds prompt, List<TokenIds> completions) {
    return prompt.size() + completions.stream().mapToInt(TokenIds::size).sum();
  }

  @Override
  public boolean lasting(R result) {
    return whole.test(result);
  }

  @Override
  public int bytes(TokenIds prompt, TokenIds completion, R result) {
    return ENTRY_BYTES
        + Integer.BYTES * (prompt.size() + completion.size())
        + bytes.applyAsInt(result);
  }

  @Override
  public R refused(ItemFault fault) {
    return refusal.apply(fault);
  }
}
