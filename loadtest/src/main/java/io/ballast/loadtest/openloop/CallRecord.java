package io.ballast.loadtest.openloop;

/**
 * What became of one planned call. Times are nanoseconds since the load began.
 *
 * @param index of the call, from 0
 * @param dueNanos when it was meant to be sent
 * @param sentNanos when it was; when it was given up, of one that was not
 * @param endNanos when it ended
 * @param label what it was answered with, or why it was not
 * @param degradations parts of the answer that are said to be missing, at least 0
 */
public record CallRecord(
    long index,
    long dueNanos,
    long sentNanos,
    long endNanos,
    Fate fate,
    String label,
    int degradations) {
  /** A call that the server refused because it is full is labelled so. */
  public static final String SHED = "RESOURCE_EXHAUSTED";

  /** A call that had not ended when the load did is labelled so. */
  public static final String UNFINISHED = "UNFINISHED";

  /** Each planned call has one. */
  public enum Fate {
    /** Answered as asked. */
    ANSWERED,
    /** Answered with what cannot be right. */
    WRONG,
    /** Refused by a server that is full. */
    SHED,
    /** Not answered. */
    FAILED,
    /** Not sent, because too many were under way. */
    DROPPED,
    /** Not sent, because sending fell too far behind. */
    UNSENT;

    /** Whether the call was sent. */
    public boolean sent() {
      return this != DROPPED && this != UNSENT;
    }
  }

  /** One that ended with {@code outcome}. */
  static CallRecord ended(long index, long due, long sent, long end, Outcome outcome) {
    Fate fate =
        switch (outcome.kind()) {
          case ANSWERED -> Fate.ANSWERED;
          case WRONG -> Fate.WRONG;
          case FAILED -> outcome.label().equals(SHED) ? Fate.SHED : Fate.FAILED;
        };
    return new CallRecord(index, due, sent, end, fate, outcome.label(), outcome.degradations());
  }

  /** One that was not sent. */
  static CallRecord notSent(long index, long due, long now, Fate fate) {
    return new CallRecord(index, due, now, now, fate, fate.name(), 0);
  }

  /** How long it took, counted from when it was meant to be sent. */
  public long latencyNanos() {
    return endNanos - dueNanos;
  }

  /** How much later than meant it was sent. */
  public long sendDelayNanos() {
    return sentNanos - dueNanos;
  }
}
