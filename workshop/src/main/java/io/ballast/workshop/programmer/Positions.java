package io.ballast.workshop.programmer;

import io.ballast.workshop.corpus.SourceFile;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * Draws positions from statement lines: indented lines that end with {@code ;} or an opening brace,
 * where at least three characters are left to write.
 */
public final class Positions {
  /** Fewer characters are not worth a suggestion. */
  public static final int LEAST_TRUTH_CHARACTERS = 3;

  private static final int FILES_AT_A_TIME = 32;

  private final Cursor cursor;
  private final ParseCheck parseCheck;

  /** Draws where {@code cursor} allows, from files that {@code parseCheck} accepts as they are. */
  public Positions(Cursor cursor, ParseCheck parseCheck) {
    this.cursor = cursor;
    this.parseCheck = parseCheck;
  }

  /**
   * Returns positions of {@code files}, taking the files in their order and from each at most
   * {@code mostPerFile}, no two in the same line.
   *
   * @param count how many are wanted, ≥ 0; fewer come back if the files do not hold as many
   * @param mostPerFile ≥ 1
   */
  public List<Position> draw(
      List<SourceFile> files, int count, int mostPerFile, RandomGenerator random) {
    List<Position> drawn = new ArrayList<>();
    BitSet broken = new BitSet();
    for (int i = 0; i < files.size() && drawn.size() < count; i++) {
      if (i % FILES_AT_A_TIME == 0) {
        List<SourceFile> next = files.subList(i, Math.min(files.size(), i + FILES_AT_A_TIME));
        broken = parseCheck.broken(next.stream().map(SourceFile::text).toList());
      }
      SourceFile file = files.get(i);
      List<Integer> lines = statementLines(file.text());
      Collections.shuffle(lines, Random.from(random));
      if (lines.isEmpty() || broken.get(i % FILES_AT_A_TIME)) {
        continue;
      }
      int wanted = Math.min(mostPerFile, count - drawn.size());
      for (int k = 0; k < lines.size() && wanted > 0; k++) {
        int start = lines.get(k);
        List<Integer> places = places(file.text(), start);
        if (!places.isEmpty()) {
          drawn.add(new Position(file, start + places.get(random.nextInt(places.size()))));
          wanted--;
        }
      }
    }
    return List.copyOf(drawn);
  }

  private List<Integer> places(String text, int start) {
    int end = text.indexOf('\n', start);
    String line = text.substring(start, end < 0 ? text.length() : end);
    int last = line.stripTrailing().length() - LEAST_TRUTH_CHARACTERS;
    return cursor.placesIn(line).stream().filter(place -> place <= last).toList();
  }

  private static List<Integer> statementLines(String text) {
    List<Integer> starts = new ArrayList<>();
    for (int start = 0; start < text.length(); start = text.indexOf('\n', start) + 1) {
      String line = Position.firstLine(text.substring(start, Math.min(text.length(), start + 400)));
      boolean indented = !line.isEmpty() && Character.isWhitespace(line.charAt(0));
      if (indented && (line.endsWith(";") || line.endsWith("{")) && !isAnnotation(line)) {
        starts.add(start);
      }
      if (text.indexOf('\n', start) < 0) {
        break;
      }
    }
    return starts;
  }

  private static boolean isAnnotation(String line) {
    return line.stripLeading().startsWith("@");
  }
}
