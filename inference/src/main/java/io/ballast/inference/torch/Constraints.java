package io.ballast.inference.torch;

import io.ballast.inference.grammar.Grammar;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the constraints of one vocabulary. Those of the grammars used last are kept, so that
 * requests with the same grammar share what is known of it. Safe for use by many threads.
 */
final class Constraints {
  private static final int MAX_GRAMMARS = 8;

  private final VocabularyIndex vocabulary;
  private final Map<Grammar, GrammarConstraint> kept =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Grammar, GrammarConstraint> eldest) {
          return size() > MAX_GRAMMARS;
        }
      };

  Constraints(VocabularyIndex vocabulary) {
    this.vocabulary = vocabulary;
  }

  /**
   * Returns what a completion may consist of; absent: anything.
   *
   * @param typed the bytes before the cursor that its first tokens must agree with
   * @param grammar what its text after the cursor must look like
   */
  @Nullable TokenConstraint of(byte[] typed, @Nullable Grammar grammar) {
    if (grammar == null) {
      return typed.length == 0 ? null : new TypedText(typed, vocabulary);
    }
    GrammarConstraint constraint;
    synchronized (kept) {
      constraint =
          kept.computeIfAbsent(grammar, g -> new GrammarConstraint(g.machine(), vocabulary));
    }
    return typed.length == 0 ? constraint : new TypedThenGrammar(typed, constraint, vocabulary);
  }
}
