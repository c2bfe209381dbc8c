package io.ballast.loadtest.openloop;

import io.ballast.loadtest.openloop.CallRecord.Fate;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
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
    return run(plan, arrivals, target, call -> {});
  }

  /**
   * The same, telling {@code listener} what becomes of each call, of the warm-up too, once. It is
   * told on the threads that send and that answer, on several at a time.
   */
  public LoadResult run(
      LoadPlan plan, Arrivals arrivals, Target target, Consumer<CallRecord> listener) {
    return new Run(plan, target, listener).all(arrivals);
  }

  /** One load on its way. The fields are the sending thread's, but for what callbacks touch. */
  private final class Run {
    private final LoadPlan plan;
    private final Target target;
    private final Consumer<CallRecord> listener;
    private final Tally tally = new Tally();
    private final Set<Done> inFlight = ConcurrentHashMap.newKeySet();
    private final long warmUp;
    private final long end;
    private final long start;
    private long planned;
    private long dropped;
    private long unsent;
    private boolean over; // guarded by this

    Run(LoadPlan plan, Target target, Consumer<CallRecord> listener) {
      this.plan = plan;
      this.target = target;
      this.listener = listener;
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
          listener.accept(CallRecord.notSent(calls, due, pacer.nanoTime() - start, Fate.UNSENT));
        } else {
          pacer.sleepUntil(start + due);
          send(calls, due, measured);
          last = pacer.nanoTime() - start;
        }
        calls++;
      }
      if (!cutShort) {
        pacer.sleepUntil(
            start + end); // a plan is as long as it says, though no call is due any more
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
      long sent = pacer.nanoTime() - start;
      if (inFlight.size() >= plan.maxInFlight()) {
        dropped += measured ? 1 : 0;
        listener.accept(CallRecord.notSent(index, due, sent, Fate.DROPPED));
        return;
      }
      if (measured) {
        tally.sent(due, sent);
      }
      Done done = new Done(index, due, sent, measured);
      inFlight.add(done);
      try {
        target.call(index, done);
      } catch (RuntimeException e) {
        done.accept(Outcome.failed("CLIENT_" + e.getClass().getSimpleName()));
      }
    }

    private void awaitAnswers() {
      long limit = Math.max(pacer.nanoTime(), start + end) + plan.callTimeout().toNanos();
      while (!inFlight.isEmpty()
          && pacer.nanoTime() < limit
          && !Thread.currentThread().isInterrupted()) {
        pacer.sleepUntil(pacer.nanoTime() + POLL_NANOS);
      }
      synchronized (this) {
        over = true;
      }
    }

    private LoadResult result(boolean cutShort, long measuredUntil) {
      inFlight.forEach(Done::giveUp);
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
      private final long index;
      private final long due;
      private final long sent;
      private final boolean measured;
      private final AtomicBoolean told = new AtomicBoolean();

      Done(long index, long due, long sent, boolean measured) {
        this.index = index;
        this.due = due;
        this.sent = sent;
        this.measured = measured;
      }

      @Override
      public void accept(Outcome outcome) {
        long now = pacer.nanoTime() - start;
        synchronized (Run.this) {
          if (over || told.getAndSet(true)) {
            return; // a load that is over has counted it as unfinished
          }
          count(now, outcome);
        }
        inFlight.remove(this);
      }

      /** Counts a call that has not ended although the load has. */
      private void giveUp() {
        if (!told.getAndSet(true)) {
          count(pacer.nanoTime() - start, Outcome.failed(CallRecord.UNFINISHED));
        }
      }

      private void count(long now, Outcome outcome) {
        if (measured) {
          tally.ended(due, sent, now, outcome);
        }
        listener.accept(CallRecord.ended(index, due, sent, now, outcome));
      }
    }
  }
}
