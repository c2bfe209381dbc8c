package io.ballast.inference.torch;

import io.ballast.inference.grammar.ByteMachine;
import java.util.BitSet;

/**
 * Healing and a grammar together: first the bytes that are typed already, then a text of the
 * grammar; a token may hold the end of the one and the beginning of the other. States below the
 * number of typed bytes count those that have been drawn; above are the grammar's.
 */
final class TypedThenGrammar implements TokenConstraint {
  private final byte[] typed;
  private final GrammarConstraint grammar;
  private final VocabularyIndex vocabulary;
  private final ByteMachine machine;

  TypedThenGrammar(byte[] typed, GrammarConstraint grammar, VocabularyIndex vocabulary) {
    this.typed = typed.clone();
    this.grammar = grammar;
    this.vocabulary = vocabulary;
    this.machine = new Joined();
  }

  private final class Joined implements ByteMachine {
    @Override
    public int start() {
      return typed.length == 0 ? grammar.start() : 0;
    }

    @Override
    public int step(int state, int next) {
      if (state >= typed.length) {
        int after = grammar.machine().step(state - typed.length, next);
        return after == DEAD ? DEAD : typed.length + after;
      }
      if ((typed[state] & 0xFF) != next) {
        return DEAD;
      }
      return state + 1 < typed.length ? state + 1 : typed.length + grammar.start();
    }

    @Override
    public boolean accepting(int state) {
      return state >= typed.length && grammar.accepting(state - typed.length);
    }

    @Override
    public boolean finished(int state) {
      return state >= typed.length && grammar.finished(state - typed.length);
    }
  }

  @Override
  public int start() {
    return machine.start();
  }

  @Override
  public BitSet allowed(int state) {
    return state >= typed.length
        ? grammar.allowed(state - typed.length)
        : vocabulary.readable(machine, state);
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
