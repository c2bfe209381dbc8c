package io.ballast.training.data;

import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads judgements from JSON lines, plain or compressed by gzip: one object a line, with the names
 * that TRL and OpenRLHF use. {@link JudgementRow} says which, of costs {@link CostRow}. Blank lines
 * say nothing and are no fault.
 */
public final class JudgementFile {
  private static final int KEPT_BAD_ROWS = 100;

  private final RowReader rows;
  private final int maxRowBytes;
  private final boolean skipsBad;
  private final int mostJudgements;
  private final long mostCharacters;

  /**
   * A reader.
   *
   * @param skipsBad whether rows that say nothing are left out and counted; else one of them makes
   *     the whole file unusable
   */
  public JudgementFile(RowLimits limits, boolean skipsBad) {
    this(limits, skipsBad, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  /**
   * A reader of what a stranger sent: a small file may unpack to a large one.
   *
   * @param mostJudgements more of them are refused, ≥ 0
   * @param mostCharacters more of them in all rows are refused, unpacked, ≥ 0
   */
  public JudgementFile(
      RowLimits limits, boolean skipsBad, int mostJudgements, long mostCharacters) {
    this(new JudgementRow(limits), limits, skipsBad, mostJudgements, mostCharacters);
  }

  private JudgementFile(
      RowReader rows, RowLimits limits, boolean skipsBad, int mostJudgements, long mostCharacters) {
    this.rows = rows;
    this.maxRowBytes = limits.maxRowBytes();
    this.skipsBad = skipsBad;
    this.mostJudgements = mostJudgements;
    this.mostCharacters = mostCharacters;
  }

  /**
   * Returns a reader of judgements of harm, {@link CostRow}: of a pair the chosen one is then the
   * more harmful, and a grade of 1 is unsafe.
   *
   * @param skipsBad as in the other
   */
  public static JudgementFile ofCosts(RowLimits limits, boolean skipsBad, CostRows rows) {
    return new JudgementFile(
        new CostRow(limits, rows), limits, skipsBad, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  /**
   * What was read.
   *
   * @param characters of all rows, with those that were left out, unpacked
   */
  public record Counted(JudgementData data, long characters) {}

  /**
   * Reads a file to its end.
   *
   * @throws BadRowsException if it has bad rows that are not to be left out; the whole file was
   *     looked at, so that they can all be mended at once
   * @throws TooLargeException if there is more in it than may be; nothing more is read then
   * @throws IOException if it cannot be read or is no whole gzip file
   */
  public JudgementData read(Path file) throws IOException, BadRowsException {
    return readCounted(file).data();
  }

  /**
   * Reads a file to its end, and counts what limits are of.
   *
   * @throws BadRowsException as {@link #read}
   * @throws TooLargeException as {@link #read}
   * @throws IOException as {@link #read}
   */
  public Counted readCounted(Path file) throws IOException, BadRowsException {
    MessageDigest sum = Sha256.digest();
    List<Judgement> judgements = new ArrayList<>();
    List<BadRow> bad = new ArrayList<>();
    long badCount = 0;
    long characters = 0;
    try (InputStream bytes = Files.newInputStream(file);
        DigestInputStream digested = new DigestInputStream(bytes, sum);
        InputStream content = RowFile.unzipped(digested)) {
      Lines lines = new Lines(content, maxRowBytes);
      for (Lines.Line line = lines.next(); line != null; line = lines.next()) {
        try {
          if (!line.isBlank()) {
            characters += line.text().length();
            if (judgements.size() == mostJudgements || characters > mostCharacters) {
              throw new TooLargeException(line.number(), mostJudgements, mostCharacters);
            }
            judgements.add(rows.parse(line.number(), line.text()));
          }
        } catch (BadRowException e) {
          badCount++;
          if (bad.size() < KEPT_BAD_ROWS) {
            bad.add(new BadRow(line.number(), e.reason()));
          }
        }
      }
      digested.transferTo(OutputStream.nullOutputStream()); // to the end of the file
    }
    if (badCount > 0 && !skipsBad) {
      throw new BadRowsException(String.valueOf(file.getFileName()), bad, badCount);
    }
    return new Counted(new JudgementData(judgements, bad, badCount, Sha256.hex(sum)), characters);
  }
}
