package io.ballast.inference.torch;

import java.util.List;

/**
 * Rows of an arena that stand side by side and take part in a step.
 *
 * @param first the place of the first
 * @param count ≥ 1
 */
record ArenaRows(KeyValueArena arena, int first, int count) {
  List<SeatedRow> seats() {
    return arena.rows().subList(first, first + count);
  }
}
