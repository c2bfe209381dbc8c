package io.ballast.policy.core.feedback;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.policy.core.CallCancellation;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** Reads a log page by page, to its end or for as long as somebody waits for more. */
final class PagedStream {
  private final ChangeSignal changes;
  private final Duration followBound;
  private final PageLimit limit;

  /**
   * @param changes announced whenever this process stores what may be in the log
   * @param followBound the longest that a follower waits before it looks again, for what other
   *     replicas stored
   * @param limit the most that is held at a time
   */
  PagedStream(ChangeSignal changes, Duration followBound, PageLimit limit) {
    this.changes = changes;
    this.followBound = followBound;
    this.limit = limit;
  }

  /** Where pages come from. */
  @FunctionalInterface
  interface Source<T> {
    /** Returns a page of records after those returned before; none: for now the end. */
    List<T> next(PageLimit limit);
  }

  /**
   * Sends records to {@code sink} until there are no more, or with {@code follow} until nobody
   * waits for them.
   *
   * @param most the most records; 0: no limit
   */
  <T> void send(
      Source<T> source,
      boolean follow,
      long most,
      Consumer<T> sink,
      CallCancellation cancellation) {
    long left = most == 0 ? Long.MAX_VALUE : most;
    cancellation.onCancel(changes::wake);
    while (left > 0 && !cancellation.cancelled()) {
      long seen = changes.count();
      List<T> page = source.next(limit.atMost(left));
      page.forEach(sink);
      left -= page.size();
      if (page.isEmpty()) {
        if (!follow) {
          return;
        }
        cancellation.idle(() -> changes.await(seen, followBound, cancellation::cancelled));
      }
    }
  }
}
