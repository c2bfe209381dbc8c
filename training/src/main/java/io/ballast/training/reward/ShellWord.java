package io.ballast.training.reward;

import java.util.regex.Pattern;

/** A word of a command line as a shell reads it. */
public final class ShellWord {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./:=,@%+-]+");

  private ShellWord() {}

  /** The word itself where a shell takes it as it is, else in single quotes. */
  public static String of(String word) {
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
