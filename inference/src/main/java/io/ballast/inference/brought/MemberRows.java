package io.ballast.inference.brought;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.ScoringRow;
import java.util.ArrayList;
import java.util.List;

/**
 * What the members read of one item: a row of tokens for each way of reading, R ≤ K, for members
 * with one tokenizer and template share a row. In a queue the rows are laid one after another as
 * the prompt, and their lengths are the completion, so that equal items meet there.
 *
 * @param rows shape [R]
 */
record MemberRows(List<TokenIds> rows) {
  MemberRows {
    rows = List.copyOf(rows);
  }

  ScoringRow laid() {
    TokenIds all = TokenIds.of();
    int[] lengths = new int[rows.size()];
    for (int r = 0; r < lengths.length; r++) {
      all = all.concat(rows.get(r));
      lengths[r] = rows.get(r).size();
    }
    return new ScoringRow(all, TokenIds.of(lengths));
  }

  static MemberRows of(ScoringRow laid) {
    List<TokenIds> rows = new ArrayList<>();
    int at = 0;
    for (int r = 0; r < laid.completion().size(); r++) {
      int end = at + laid.completion().get(r);
      rows.add(laid.prompt().slice(at, end));
      at = end;
    }
    return new MemberRows(rows);
  }
}
