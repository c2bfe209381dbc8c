package io.ballast.training.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a file or a log of judgements holds.
 *
 * @param judgements in the order of their source
 * @param badRows the first of the rows that were left out, in the order of the source
 * @param badRowCount how many were left out, ≥ 0
 * @param sha256 of the file's bytes, or of what was taken from the log, in hex
 * @param facts what its reader knows of it, by name, in the order in which a reader wants them
 */
public record JudgementData(
    List<Judgement> judgements,
    List<BadRow> badRows,
    long badRowCount,
    String sha256,
    Map<String, String> facts) {
  public JudgementData {
    judgements = List.copyOf(judgements);
    badRows = List.copyOf(badRows);
    facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
  }

  /** Of a source of which nothing else is known. */
  public JudgementData(
      List<Judgement> judgements, List<BadRow> badRows, long badRowCount, String sha256) {
    this(judgements, badRows, badRowCount, sha256, Map.of());
  }
}
