package io.ballast.inference.torch;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The constraint of healing: the first tokens must agree with what is typed already, byte by byte;
 * after it anything goes. A state is the number of typed bytes that have been drawn.
 */
final class TypedText implements TokenConstraint {
  private final byte[] typed;
  private final VocabularyIndex vocabulary;

  TypedText(byte[] typed, VocabularyIndex vocabulary) {
    this.typed = typed.clone();
    this.vocabulary = vocabulary;
  }

  @Override
  public int start() {
    return 0;
  }

  @Override
  public @Nullable BitSet allowed(int state) {
    return state == typed.length
        ? null
        : vocabulary.agreeing(Arrays.copyOfRange(typed, state, typed.length));
  }

  @Override
  public int next(int state, int tokenId) {
    return Math.min(typed.length, state + vocabulary.bytesOf(tokenId).length);
  }

  @Override
  public boolean accepting(int state) {
    return state == typed.length;
  }

  @Override
  public boolean finished(int state) {
    return false;
  }
}
