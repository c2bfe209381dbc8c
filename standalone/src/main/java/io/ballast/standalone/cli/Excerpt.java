package io.ballast.standalone.cli;

/** Text shortened to fit a column. */
final class Excerpt {
  private Excerpt() {}

  /** One line of at most {@code width} characters; what is left out is an ellipsis. */
  static String of(String text, int width) {
    String line = text.replace("\r", "").replace("\n", "⏎").replace("\t", "→");
    return line.codePointCount(0, line.length()) <= width
        ? line
        : line.substring(0, line.offsetByCodePoints(0, width - 1)) + "…";
  }
}
