package io.ballast.standalone.process;

import io.ballast.standalone.process.CallRate.Good;
import io.ballast.testing.Await;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that go on calling while a mesh is disturbed, each at a rate that the mesh can well
 * serve, and never before its last call has ended: where calls take longer, fewer succeed, and
 * those that take much longer than before count for none.
 */
final class SteadyLoad implements AutoCloseable {
  /** Of the rate of before, at which calls go as before. */
  private static final double RECOVERED = 0.95;

  /** Calls are waited for so long; far above what is seen where nothing else runs. */
  static final Duration LONGEST = Duration.ofSeconds(45);

  /** How long calls are counted to know their rate, which may still grow from one to the next. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  private static final double GROWS = 1.05;

  /** So much longer than almost all before is much longer: so many times, and by so much. */
  private static final int SLOWER = 3;

  private static final Duration SLOWER_BY = Duration.ofMillis(250);
  private static final int MOST_LOOKS = 20;

  /** What a caller may be told while a process is away; anything else is wrong. */
  private static final Set<Status.Code> TYPED =
      Set.of(
          Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED, Status.Code.RESOURCE_EXHAUSTED);

  private final CallRate rate = new CallRate();
  private final List<ManagedChannel> channels = new CopyOnWriteArrayList<>();
  private final List<Thread> clients = new ArrayList<>();
  private final Map<Status.Code, Integer> failures = new ConcurrentSkipListMap<>();
  private final Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
  private final AtomicInteger disturbed = new AtomicInteger();
  private volatile boolean stopped;

  /**
   * How calls go while nothing disturbs the mesh.
   *
   * @param rate calls a second
   * @param slow the 99th percentile of how long they take
   */
  record Steady(double rate, Duration slow) {
    /** The longest of a call that goes as these do. */
    Duration longest() {
      Duration times = slow.multipliedBy(SLOWER);
      Duration by = slow.plus(SLOWER_BY);
      return times.compareTo(by) > 0 ? times : by;
    }
  }

  /** A channel that is made anew at once when its server is back. */
  ManagedChannel channel(int port) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    channels.add(channel);
    return channel;
  }

  /** Starts a client that takes {@code step} every {@code period}, or when its last has ended. */
  void client(Duration period, Runnable step) {
    clients.add(Thread.ofVirtual().start(() -> pace(period, step)));
  }

  private void pace(Duration period, Runnable step) {
    long next = System.nanoTime();
    while (!stopped) {
      var unused = attempt(step);
      next = Math.max(next + period.toNanos(), System.nanoTime());
      LockSupport.parkNanos(next - System.nanoTime());
    }
  }

  /** Whether {@code step} went well. */
  private boolean attempt(Runnable step) {
    try {
      step.run();
      return true;
    } catch (StatusRuntimeException e) {
      failures.merge(e.getStatus().getCode(), 1, Integer::sum);
      if (!isTyped(e.getStatus())) {
        wrong.add(e);
      }
      channels.forEach(ManagedChannel::resetConnectBackoff);
    } catch (RuntimeException | Error e) { // whatever it is, the test has to say so
      wrong.add(e);
    }
    return false;
  }

  private static boolean isTyped(Status status) {
    return TYPED.contains(status.getCode())
        // no server's word: grpc-java's client wrote to a connection that had just died
        || status.getCode() == Status.Code.UNKNOWN
            && "channel closed".equals(status.getDescription());
  }

  /** Takes {@code step} until it goes well or the load ends. */
  void insist(Duration period, Runnable step) {
    while (!stopped && !attempt(step)) {
      LockSupport.parkNanos(period.toNanos());
    }
  }

  /** What calls that gave all that they should are counted by. */
  CallRate rate() {
    return rate;
  }

  /**
   * Waits until the rate of calls grows no more. Those that take much longer count no more from
   * then on.
   */
  Steady steady() {
    double last = 0;
    for (int i = 0; i < MOST_LOOKS; i++) {
      long begin = System.nanoTime();
      Await.until(() -> since(begin).compareTo(LOOK) > 0);
      double now = rate.over(LOOK);
      if (last > 0 && now < GROWS * last) {
        Steady steady = new Steady(Math.max(last, now), rate.slow(LOOK.multipliedBy(2)));
        rate.limit(steady.longest());
        return steady;
      }
      last = now;
    }
    throw new AssertionError("after so long calls become more frequent still: " + last);
  }

  /**
   * Waits until calls go as before.
   *
   * @return the first second from now in which they do; after {@link #LONGEST} if there is none
   */
  Good await(Steady before) {
    long begin = System.nanoTime();
    double enough = RECOVERED * before.rate();
    Await.until(() -> rate.back(enough, begin).isPresent() || since(begin).compareTo(LONGEST) > 0);
    return rate.back(enough, begin).orElseGet(() -> new Good(LONGEST, rate.slow(LOOK)));
  }

  private static Duration since(long nanos) {
    return Duration.ofNanos(System.nanoTime() - nanos);
  }

  /** How often the mesh was disturbed until now. */
  int disturbed() {
    return disturbed.get();
  }

  /** It is disturbed next; says how often then. */
  int disturb() {
    return disturbed.incrementAndGet();
  }

  /** What nobody may be told, and what clients found wrong themselves. */
  Queue<Throwable> wrong() {
    return wrong;
  }

  /** How often callers were told what. */
  Map<Status.Code, Integer> failures() {
    return failures;
  }

  /** Lets calls under way end. */
  @Override
  public void close() {
    stopped = true;
    for (Thread client : clients) {
      try {
        client.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    channels.forEach(ManagedChannel::shutdownNow);
  }
}
