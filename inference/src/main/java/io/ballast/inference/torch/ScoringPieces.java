package io.ballast.inference.torch;

import io.ballast.inference.memory.MemoryBudget;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Scores groups, about {@link #TOKENS} tokens at a time. */
final class ScoringPieces implements Supplier<Optional<List<GroupScores>>> {
  /** Tokens of a piece, padding included: what a row under way may have to wait for. */
  private static final int TOKENS = 512;

  private final GroupComputation computation;
  private final List<CompletionGroup> groups;
  private final int alternatives;
  private final int vocabularySize;
  private final Function<List<CompletionGroup>, MemoryBudget.@Nullable Reservation> room;
  private final List<@Nullable GroupScores> scores = new ArrayList<>();
  private final Iterator<List<Integer>> batches;

  /**
   * As {@link GroupComputation#scores(List, int, int)}.
   *
   * @param room takes the memory of a piece while it is computed; null: it needs none
   */
  ScoringPieces(
      GroupComputation computation,
      List<CompletionGroup> groups,
      int alternatives,
      int vocabularySize,
      Function<List<CompletionGroup>, MemoryBudget.@Nullable Reservation> room) {
    this.computation = computation;
    this.groups = groups;
    this.alternatives = alternatives;
    this.vocabularySize = vocabularySize;
    this.room = room;
    this.batches = PackedGroups.batches(groups, TOKENS).iterator();
    for (int i = 0; i < groups.size(); i++) {
      scores.add(null);
    }
  }

  @Override
  public Optional<List<GroupScores>> get() {
    if (batches.hasNext()) {
      List<Integer> batch = batches.next();
      List<GroupScores> ofBatch = score(batch.stream().map(groups::get).toList());
      for (int b = 0; b < batch.size(); b++) {
        scores.set(batch.get(b), ofBatch.get(b));
      }
    }
    return batches.hasNext()
        ? Optional.empty()
        : Optional.of(scores.stream().map(Objects::requireNonNull).toList());
  }

  private List<GroupScores> score(List<CompletionGroup> piece) {
    MemoryBudget.@Nullable Reservation taken = room.apply(piece);
    try {
      return computation.scores(piece, alternatives, vocabularySize);
    } finally {
      if (taken != null) {
        taken.close();
      }
    }
  }
}
