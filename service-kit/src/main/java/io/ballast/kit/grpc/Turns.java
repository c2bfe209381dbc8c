package io.ballast.kit.grpc;

import java.util.LinkedHashSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;

/**
 * So many at once. Who waits for a turn gets it in order, or gives up; who has given up keeps
 * nobody waiting. Thread-safe.
 */
final class Turns {
  private final ReentrantLock lock = new ReentrantLock();
  private final LinkedHashSet<Turn> waiting = new LinkedHashSet<>();
  private int free;

  /**
   * @param most at once, ≥ 1
   */
  Turns(int most) {
    this.free = most;
  }

  /** Takes a turn if there is one. */
  boolean tryTake() {
    lock.lock();
    try {
      if (free == 0) { // it is, as long as somebody waits
        return false;
      }
      free--;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a turn, or a place among those who wait for one. */
  Turn next() {
    lock.lock();
    try {
      Turn next = new Turn();
      if (free == 0) {
        waiting.add(next);
      } else {
        free--;
        next.begin();
      }
      return next;
    } finally {
      lock.unlock();
    }
  }

  /** Gives a turn back; who has waited longest gets it. */
  void giveBack() {
    lock.lock();
    try {
      if (waiting.isEmpty()) {
        free++;
      } else {
        waiting.removeFirst().begin();
      }
    } finally {
      lock.unlock();
    }
  }

  /** A turn that comes unless it is given up before. */
  final class Turn {
    private final CountDownLatch settled = new CountDownLatch(1);
    private boolean begun;

    private void begin() {
      begun = true;
      settled.countDown();
    }

    /**
     * Waits for it.
     *
     * @return whether it is there, and is to be given back; else it was given up
     * @throws InterruptedException if this thread is interrupted; it is given up then, or back
     */
    boolean await() throws InterruptedException {
      try {
        settled.await();
      } catch (InterruptedException e) {
        if (!giveUp()) {
          giveBack();
        }
        throw e;
      }
      return begun;
    }

    /**
     * Waits for it no more.
     *
     * @return whether it will not come; else it is there, and is to be given back
     */
    boolean giveUp() {
      lock.lock();
      try {
        if (waiting.remove(this)) {
          settled.countDown();
        }
        return !begun;
      } finally {
        lock.unlock();
      }
    }
  }
}
