package io.ballast.reward.component;

import io.ballast.reward.core.ComponentOutcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A penalty for saying the same again: less the share of n-grams that are repetitions of another.
 *
 * <pre>−(1 − distinct / all), 0 if there are fewer than n units</pre>
 *
 * <p>Source: Welleck et al. 2019, arXiv:1908.04319, seq-rep-n, of words or characters instead of
 * tokens.
 *
 * @param ngram n, ≥ 1
 */
public record RepetitionComponent(Unit unit, int ngram) implements ItemComponent {
  private static final int MOST = 64;

  /** What an n-gram is made of. */
  public enum Unit {
    /** What stands between spaces. */
    WORDS,
    /** Unicode code points. */
    CHARACTERS
  }

  static RepetitionComponent read(Settings settings) {
    return new RepetitionComponent(
        settings.choice("unit", Unit.WORDS), settings.integer("ngram", 3, 1, MOST));
  }

  @Override
  public ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge {
    List<Integer> units = units(candidate.completion());
    int all = units.size() - ngram + 1;
    if (all <= 0) {
      return new ComponentOutcome.Value(0, "fewer than " + ngram);
    }
    Set<List<Integer>> distinct = new HashSet<>();
    for (int i = 0; i < all; i++) {
      distinct.add(units.subList(i, i + ngram));
    }
    int repeated = all - distinct.size();
    return new ComponentOutcome.Value(
        repeated == 0 ? 0 : -(double) repeated / all,
        "%,d of %,d repeated".formatted(repeated, all));
  }

  /** Each unit as a number, equal ones as the same. */
  private List<Integer> units(String text) {
    return switch (unit) {
      case CHARACTERS -> text.codePoints().boxed().toList();
      case WORDS -> {
        Map<String, Integer> ids = new HashMap<>();
        List<Integer> words = new ArrayList<>();
        for (String word : text.strip().split("\\s+")) {
          if (!word.isEmpty()) {
            words.add(ids.computeIfAbsent(word, unseen -> ids.size()));
          }
        }
        yield words;
      }
    };
  }
}
