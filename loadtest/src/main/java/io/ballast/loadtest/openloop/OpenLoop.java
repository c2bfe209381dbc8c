package io.ballast.loadtest.openloop;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Sends calls when they are due, not when the last one has been answered, as callers who do not
 * know of each other would. A server that stalls is therefore met by every call that was due in the
 * meantime, and each counts its latency from then: a closed loop would send one and wait, and
 * report one slow call where a thousand people waited (coordinated omission).
 */
public final class OpenLoop {
  private static final long POLL_NANOS = 1_000_000;

  private final Pacer pacer;

  public OpenLoop(Pacer pacer) {
    this.pacer = pacer;
  }

  /** Runs a load and waits for its last call, at most the call timeout beyond the plan's end. */
  public LoadResult run(LoadPlan plan, Arrivals arrivals, Target target) {
    return new Run(plan, target).all(arrivals);
  }

  /** One load on its way. The fields are the sending thread's, but for what callbacks touch. */
  private final class Run {
    private final LoadPlan plan;
    private final Target target;
    private final Tally tally = new Tally();
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicInteger measuredInFlight = new AtomicInteger();
    private final long warmUp;
    private final long end;
    private final long start;
    private long planned;
    private long dropped;
    private long unsent;
    private boolean over; // guarded by this

    Run(LoadPlan plan, Target target) {
      this.plan = plan;
      this.target = target;
      this.warmUp = plan.warmUp().toNanos();
      this.end = warmUp + plan.duration().toNanos();
      this.start = pacer.nanoTime();
    }

    private LoadResult all(Arrivals arrivals) {
      long calls = 0;
      long last = 0;
      boolean cutShort = false;
      for (long due = arrivals.nextNanos(); due < end; due = arrivals.nextNanos()) {
        if (calls == plan.maxCalls()) {
          cutShort = true;
          break;
        }
        boolean measured = due >= warmUp;
        planned += measured ? 1 : 0;
        if (tooLate()) {
          unsent += measured ? 1 : 0;
        } else {
          pacer.sleepUntil(start + due);
          send(calls, due, measured);
          last = pacer.nanoTime() - start;
        }
        calls++;
      }
      long measuredUntil = cutShort ? last : Math.max(end, last);
      awaitAnswers();
      return result(cutShort, measuredUntil);
    }

    /** Whether the plan has been over for as long as a call may take. */
    private boolean tooLate() {
      return Thread.currentThread().isInterrupted()
          || pacer.nanoTime() - start > end + plan.callTimeout().toNanos();
    }

    private void send(long index, long due, boolean measured) {
      if (inFlight.get() >= plan.maxInFlight()) {
        dropped += measured ? 1 : 0;
        return;
      }
      inFlight.incrementAndGet();
      measuredInFlight.addAndGet(measured ? 1 : 0);
      long sent = pacer.nanoTime() - start;
      if (measured) {
        tally.sent(due, sent);
      }
      Consumer<Outcome> done = new Done(due, sent, measured);
      try {
        target.call(index, done);
      } catch (RuntimeException e) {
        done.accept(Outcome.failed("CLIENT_" + e.getClass().getSimpleName()));
      }
    }

    private void awaitAnswers() {
      long limit = Math.max(pacer.nanoTime(), start + end) + plan.callTimeout().toNanos();
      while (inFlight.get() > 0
          && pacer.nanoTime() < limit
          && !Thread.currentThread().isInterrupted()) {
        pacer.sleepUntil(pacer.nanoTime() + POLL_NANOS);
      }
      synchronized (this) {
        over = true;
      }
    }

    private LoadResult result(boolean cutShort, long measuredUntil) {
      for (int left = measuredInFlight.get(); left > 0; left--) {
        tally.ended(0, 0, 0, Outcome.failed("UNFINISHED"));
      }
      return new LoadResult(
          plan,
          planned,
          tally.answers(),
          tally.failures(),
          dropped,
          unsent,
          cutShort,
          Math.max(1, measuredUntil - warmUp) / 1e9,
          tally.latency(),
          tally.serviceTime(),
          tally.sendDelay());
    }

    /** Takes a call's end, the first time it is told and while the load is under way. */
    private final class Done implements Consumer<Outcome> {
      private final long due;
      private final long sent;
      private final boolean measured;
      private final AtomicBoolean told = new AtomicBoolean();

      Done(long due, long sent, boolean measured) {
        this.due = due;
        this.sent = sent;
        this.measured = measured;
      }

      @Override
      public void accept(Outcome outcome) {
        long now = pacer.nanoTime() - start;
        synchronized (Run.this) {
          if (told.getAndSet(true) || over) {
            return; // a load that is over has counted it as unfinished
          }
          if (measured) {
            tally.ended(due, sent, now, outcome);
            measuredInFlight.decrementAndGet();
          }
        }
        inFlight.decrementAndGet();
      }
    }
  }
}
