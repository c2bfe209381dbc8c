package io.ballast.training.data;

import java.util.List;

/**
 * What a file of judgements holds.
 *
 * @param judgements in the order of the file
 * @param badRows the first of the rows that were left out, in the order of the file
 * @param badRowCount how many were left out, ≥ 0
 * @param sha256 of the file's bytes, in hex
 */
public record JudgementData(
    List<Judgement> judgements, List<BadRow> badRows, long badRowCount, String sha256) {
  public JudgementData {
    judgements = List.copyOf(judgements);
    badRows = List.copyOf(badRows);
  }
}
