package io.ballast.inference.memory;

import io.ballast.inference.api.ModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The memory that all models of a process may take together, outside the heap. Who loads a model
 * reserves what it may come to take, before it reads a byte, and gives it back when the model is
 * unloaded. Safe for use by many threads.
 */
public final class MemoryBudget {
  /** Of what the machine has beyond the heap, models get so many tenths; the rest is for others. */
  private static final int TENTHS = 7;

  private final long limitBytes;
  private final List<Reservation> reservations = new ArrayList<>();
  private long takenBytes;

  /**
   * A budget that nothing is taken of.
   *
   * @param limitBytes ≥ 1
   */
  public MemoryBudget(long limitBytes) {
    if (limitBytes < 1) {
      throw new IllegalArgumentException("budget: %,d bytes (expected: ≥ 1)".formatted(limitBytes));
    }
    this.limitBytes = limitBytes;
  }

  /**
   * The budget of a machine of which nothing else is known: seven tenths of what it has beyond the
   * heap's bound. At least a tenth of the machine.
   *
   * @param machineBytes of the machine or the container
   * @param heapBytes the most that the Java heap takes
   */
  public static long defaultBytes(long machineBytes, long heapBytes) {
    long beyondHeap = Math.max(0, machineBytes - heapBytes);
    return Math.max(1, Math.max(machineBytes / 10, beyondHeap / 10 * TENTHS));
  }

  /** The bound. */
  public long limitBytes() {
    return limitBytes;
  }

  /** What is reserved. */
  public synchronized long takenBytes() {
    return takenBytes;
  }

  /**
   * Takes {@code need} for a model.
   *
   * @param name of the model, for people
   * @throws ModelException NO_MEMORY with the arithmetic, if there is not so much left
   */
  public synchronized Reservation reserve(String name, MemoryNeed need) {
    long free = limitBytes - takenBytes;
    if (need.bytes() > free) {
      throw new ModelException(
          ModelException.Reason.NO_MEMORY,
          "%s: needs %s, %,d MiB of %,d are free; loaded: %s"
              .formatted(name, need, free >> 20, limitBytes >> 20, loaded()));
    }
    Reservation reservation = new Reservation(name, need);
    reservations.add(reservation);
    takenBytes += need.bytes();
    return reservation;
  }

  private String loaded() {
    if (reservations.isEmpty()) {
      return "nothing";
    }
    List<String> names = new ArrayList<>();
    for (Reservation reservation : reservations) {
      names.add(
          "%s %,d MiB".formatted(reservation.name, MemoryNeed.mebibytes(reservation.need.bytes())));
    }
    return String.join(", ", names);
  }

  private synchronized void giveBack(Reservation reservation) {
    reservations.remove(reservation);
    takenBytes -= reservation.need.bytes();
  }

  /** What a model has taken of the budget. */
  public final class Reservation implements AutoCloseable {
    private final String name;
    private final MemoryNeed need;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Reservation(String name, MemoryNeed need) {
      this.name = name;
      this.need = need;
    }

    /** What was reserved. */
    public MemoryNeed need() {
      return need;
    }

    /**
     * Takes more for the same model for a while.
     *
     * @param what it is for, for people
     * @throws ModelException NO_MEMORY with the arithmetic, if there is not so much left
     */
    public Reservation beside(String what, MemoryNeed more) {
      return reserve(name + ", " + what, more);
    }

    /** Whether so much more would fit if nothing but this were reserved. */
    public boolean everFits(MemoryNeed more) {
      return more.bytes() <= limitBytes - need.bytes();
    }

    /** Gives it back. A second time has no effect. */
    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        giveBack(this);
      }
    }
  }
}
