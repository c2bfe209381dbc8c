package io.ballast.inference.torch;

import io.ballast.inference.grammar.ByteMachine;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The constraint that a grammar's machine makes of a vocabulary: a token is allowed if the machine
 * can read all its bytes, since from every state of the machine an accepted text can be reached.
 * Which tokens are allowed is found when a state is first met, and kept while it is among those
 * used last.
 */
final class GrammarConstraint implements TokenConstraint {
  private static final int MAX_KEPT_BYTES = 16 << 20;

  private final ByteMachine machine;
  private final VocabularyIndex vocabulary;
  private final Map<Integer, BitSet> kept;

  GrammarConstraint(ByteMachine machine, VocabularyIndex vocabulary) {
    this.machine = machine;
    this.vocabulary = vocabulary;
    int most = Math.max(16, MAX_KEPT_BYTES / (vocabulary.size() / 8 + 64));
    this.kept =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Integer, BitSet> eldest) {
            return size() > most;
          }
        };
  }

  ByteMachine machine() {
    return machine;
  }

  @Override
  public int start() {
    return machine.start();
  }

  @Override
  public BitSet allowed(int state) {
    synchronized (kept) {
      BitSet known = kept.get(state);
      if (known == null) {
        known = vocabulary.readable(machine, state);
        kept.put(state, known);
      }
      return known;
    }
  }

  @Override
  public int next(int state, int tokenId) {
    return machine.read(state, vocabulary.bytesOf(tokenId));
  }

  @Override
  public boolean accepting(int state) {
    return machine.accepting(state);
  }

  @Override
  public boolean finished(int state) {
    return machine.finished(state);
  }
}
