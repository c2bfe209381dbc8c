package io.ballast.kit.error;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What failures come from. */
public final class Causes {
  /** No real failure has so many causes behind each other; a circle of them has no end. */
  private static final int DEEPEST = 100;

  private Causes() {}

  /**
   * Returns a failure and what it came of, the failure first; of causes that go round in a circle,
   * at most 100.
   */
  public static List<Throwable> chain(Throwable failure) {
    List<Throwable> chain = new ArrayList<>();
    for (Throwable next = failure; next != null && chain.size() < DEEPEST; next = next.getCause()) {
      chain.add(next);
    }
    return chain;
  }

  /**
   * Returns what began a failure, which is the failure itself if nothing else did; of causes that
   * go round in a circle, one of them.
   */
  public static Throwable first(Throwable failure) {
    return chain(failure).getLast();
  }

  /** Returns the outermost of a failure and its causes that is of a kind; empty if none is. */
  public static <T extends Throwable> Optional<T> find(Throwable failure, Class<T> kind) {
    return chain(failure).stream().filter(kind::isInstance).map(kind::cast).findFirst();
  }
}
