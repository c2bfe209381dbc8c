package io.ballast.inference.brought;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.ScoringRow;
import io.ballast.kit.call.ItemFault;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What the members read of one item: one reading for each way of reading, R ≤ K, for members with
 * one tokenizer and template share it. In a queue the readings are laid one after another as the
 * prompt, the words of a refusal as their bytes; the completion says the kind and the length of
 * each, so that equal items meet there.
 *
 * @param readings shape [R]
 */
record MemberRows(List<Reading> readings) {
  private static final int ROW = 0;

  MemberRows {
    readings = List.copyOf(readings);
  }

  /** What came of one way of reading. */
  sealed interface Reading {
    /** What goes into the model. */
    record Row(TokenIds tokens) implements Reading {}

    /** Why these members cannot read the item; the message does not say which item. */
    record Refused(ItemFault fault) implements Reading {}
  }

  ScoringRow laid() {
    TokenIds all = TokenIds.of();
    int[] heads = new int[2 * readings.size()];
    for (int r = 0; r < readings.size(); r++) {
      TokenIds own =
          switch (readings.get(r)) {
            case Reading.Row(TokenIds tokens) -> tokens;
            case Reading.Refused(ItemFault fault) -> {
              heads[2 * r] = ROW + 1 + fault.reason().ordinal();
              yield TextBytes.row(fault.message());
            }
          };
      all = all.concat(own);
      heads[2 * r + 1] = own.size();
    }
    return new ScoringRow(all, TokenIds.of(heads));
  }

  static MemberRows of(ScoringRow laid) {
    List<Reading> readings = new ArrayList<>();
    int at = 0;
    for (int r = 0; r < laid.completion().size(); r += 2) {
      int kind = laid.completion().get(r);
      int end = at + laid.completion().get(r + 1);
      TokenIds own = laid.prompt().slice(at, end);
      readings.add(
          kind == ROW
              ? new Reading.Row(own)
              : new Reading.Refused(
                  new ItemFault(
                      ItemFault.Reason.values()[kind - ROW - 1],
                      new String(TextBytes.bytes(own), StandardCharsets.UTF_8))));
      at = end;
    }
    return new MemberRows(readings);
  }
}
