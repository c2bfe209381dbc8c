package io.ballast.policy.core.feedback;

/**
 * How much one page of a stream may hold, for each open stream holds one for as long as its client
 * takes to read it. A page ends with the record that fills it, so that it holds less than the bytes
 * and one record, and never none while there are more.
 *
 * @param records the most records, &gt; 0
 * @param bytes of all payloads of a page together, &gt; 0
 */
public record PageLimit(int records, long bytes) {
  /** Checks the ranges. */
  public PageLimit {
    if (records < 1 || bytes < 1) {
      throw new IllegalArgumentException(
          "a page of %d records and %d bytes (expected: at least 1 each)"
              .formatted(records, bytes));
    }
  }

  /** The same of at most {@code most} records, &gt; 0. */
  PageLimit atMost(long most) {
    return new PageLimit((int) Math.min(records, most), bytes);
  }
}
