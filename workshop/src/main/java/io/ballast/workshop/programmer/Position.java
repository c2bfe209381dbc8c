package io.ballast.workshop.programmer;

import io.ballast.workshop.corpus.SourceFile;

/**
 * A place in a file where a suggestion is asked for: after the character before {@code offset}, to
 * the end of that line.
 *
 * @param file the cleaned file
 * @param offset of the cursor in the file's text, in UTF-16 characters
 */
public record Position(SourceFile file, int offset) {
  public Position {
    if (offset < 0 || offset > file.text().length()) {
      throw new IllegalArgumentException(
          "offset: " + offset + " (expected: ≥ 0 and ≤ " + file.text().length() + ")");
    }
  }

  /** The text before the cursor, from the beginning of the file. */
  public String prompt() {
    return file.text().substring(0, offset);
  }

  /**
   * Returns the end of {@link #prompt}, from the first line start that leaves at most {@code
   * mostCharacters}: all that a small context can use, without the cost of a whole file.
   *
   * @param mostCharacters ≥ 1
   */
  public String promptTail(int mostCharacters) {
    int earliest = offset - mostCharacters;
    if (earliest <= 0) {
      return prompt();
    }
    int lineStart = file.text().indexOf('\n', earliest) + 1;
    return file.text()
        .substring(lineStart > 0 && lineStart < offset ? lineStart : earliest, offset);
  }

  /** What the file really says from the cursor to the end of the line, without trailing space. */
  public String truth() {
    return file.text().substring(offset, lineEnd()).stripTrailing();
  }

  /** What stands before the cursor in its line, indentation included. */
  public String lineBefore() {
    return file.text().substring(file.text().lastIndexOf('\n', offset - 1) + 1, offset);
  }

  /** Returns the whole file with {@code suggestion}'s first line in place of the truth. */
  public String fileWith(String suggestion) {
    String text = file.text();
    return text.substring(0, offset) + firstLine(suggestion) + text.substring(lineEnd());
  }

  /** A name that stays the same as long as the file does: artefact, path, offset. */
  public String id() {
    return file.artefact() + "/" + file.path() + "@" + offset;
  }

  /** Returns {@code text} up to its first line break. */
  static String firstLine(String text) {
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  private int lineEnd() {
    int end = file.text().indexOf('\n', offset);
    return end < 0 ? file.text().length() : end;
  }
}
