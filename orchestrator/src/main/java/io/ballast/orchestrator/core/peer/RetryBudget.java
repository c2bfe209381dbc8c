package io.ballast.orchestrator.core.peer;

/**
 * How many retries are left: each takes one, each success gives a share of one back, so that
 * retries stay a small part of all calls while a peer is unwell. Safe for use by many threads.
 */
public final class RetryBudget {
  private final double capacity;
  private final double refill;
  private double left;

  /**
   * @param capacity retries in a row, ≥ 1
   * @param refill what a success gives back, &gt; 0, ≤ 1
   */
  public RetryBudget(int capacity, double refill) {
    this.capacity = capacity;
    this.refill = refill;
    this.left = capacity;
  }

  /** Takes a retry; false if none is left. */
  synchronized boolean take() {
    if (left < 1) {
      return false;
    }
    left--;
    return true;
  }

  /** A call has succeeded. */
  synchronized void succeeded() {
    left = Math.min(capacity, left + refill);
  }
}
