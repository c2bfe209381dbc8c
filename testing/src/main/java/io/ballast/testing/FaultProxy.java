package io.ballast.testing;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A TCP proxy on loopback between two parts, which does to their bytes what bad networks and bad
 * machines do. At first it does nothing. A {@link Toxic} works on connections that there are and
 * those to come, until {@link #heal} or another takes its place. Thread-safe.
 */
public final class FaultProxy implements AutoCloseable {
  private static final int CHUNK_BYTES = 8_192;
  private static final int TRICKLES_PER_SECOND = 20;

  private final int target;
  private final SplittableRandom random;
  private final int port;
  private final AtomicInteger accepted = new AtomicInteger();
  private final AtomicInteger hits = new AtomicInteger();
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private Toxic toxic = new None(); // under the lock, as the next
  private @Nullable ServerSocket door;
  private @Nullable Thread acceptor;
  private volatile boolean closed;

  /** What is done to bytes. */
  public sealed interface Toxic {}

  /** Nothing. */
  private record None() implements Toxic {}

  /** Bytes of each way come later, by {@code mean} ± at most {@code jitter}, in their order. */
  public record Latency(Duration mean, Duration jitter) implements Toxic {}

  /**
   * Half-open: connections are accepted, and bytes of both ways are lost without a word. A
   * connection that lost some is reset when this ends, as by a network that has forgotten it.
   */
  public record Silence() implements Toxic {}

  /** Bytes of both ways are held, and are delivered when this ends, as by TCP after an outage. */
  public record Stall() implements Toxic {}

  /** A slow reader on each side: so many bytes of each way in a second. */
  public record Trickle(int bytesPerSecond) implements Toxic {}

  /** A connection is reset once it has carried so many bytes of answers more. */
  public record Cut(int afterBytes) implements Toxic {}

  /** Nobody listens: what is open is reset, and new connections are refused. */
  public record Down() implements Toxic {}

  private FaultProxy(int target, long seed) {
    this.target = target;
    this.random = new SplittableRandom(seed);
    this.port = open(0);
  }

  /**
   * Starts one.
   *
   * @param target the port on loopback that it leads to
   * @param seed of the jitter
   */
  public static FaultProxy to(int target, long seed) {
    return new FaultProxy(target, seed);
  }

  /** The port to call instead of the target's. */
  public int port() {
    return port;
  }

  /** How many connections it has accepted. */
  public int connections() {
    return accepted.get();
  }

  /**
   * How often something met what is done now: pieces of bytes that are late, held, lost or slow, or
   * connections that are cut.
   */
  public int hits() {
    return hits.get();
  }

  /** Puts {@code next} in the place of what was done until now. */
  public void apply(Toxic next) {
    Thread leaving = null;
    lock.lock();
    try {
      toxic = next;
      hits.set(0);
      links.forEach(link -> link.begin(next));
      if (next instanceof Down) {
        leaving = acceptor;
        shut();
        reset();
      } else if (door == null && !closed) {
        open(port);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (leaving != null) {
      join(leaving); // the port is open until it has seen that its socket is closed
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Does nothing more to bytes; whoever listened at the port does again. */
  public void heal() {
    apply(new None());
  }

  /** Resets every connection there is, once; new ones are served. */
  public void reset() {
    List.copyOf(links).forEach(Link::reset);
  }

  /**
   * Makes every connection there is dead without a word to either side, for ever: what a firewall
   * does that lost its table. New ones are served.
   */
  public void orphan() {
    links.forEach(link -> link.orphaned = true);
  }

  @Override
  public void close() {
    closed = true;
    lock.lock();
    try {
      shut();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    reset();
  }

  private int open(int wanted) {
    try {
      ServerSocket socket =
          new ServerSocket(wanted, 0, InetAddress.getLoopbackAddress()); // reuses the address
      door = socket;
      acceptor = Thread.ofVirtual().name("fault-proxy").start(() -> accept(socket));
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void shut() {
    ServerSocket open = door;
    if (open != null) {
      quietly(open);
      door = null;
    }
  }

  private void accept(ServerSocket socket) {
    while (!socket.isClosed()) {
      Socket near;
      try {
        near = socket.accept();
      } catch (IOException e) {
        return; // shut
      }
      accepted.incrementAndGet();
      Socket far = new Socket();
      try {
        far.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
        near.setTcpNoDelay(true);
        far.setTcpNoDelay(true);
      } catch (IOException e) {
        abort(near);
        abort(far);
        continue;
      }
      join(near, far);
    }
  }

  private void join(Socket near, Socket far) {
    Link link = new Link(near, far);
    lock.lock();
    try {
      links.add(link);
      link.begin(toxic);
      if (toxic instanceof Down || closed) {
        link.reset();
      }
    } finally {
      lock.unlock();
    }
    Thread.ofVirtual().start(() -> link.pump(near, far, false));
    Thread.ofVirtual().start(() -> link.pump(far, near, true));
  }

  /** One connection through the proxy. */
  private final class Link {
    private final Socket near;
    private final Socket far;
    private final AtomicInteger ended = new AtomicInteger();
    private volatile boolean orphaned;
    private volatile boolean lost; // bytes
    private int left; // of answers until a Cut; under the lock

    Link(Socket near, Socket far) {
      this.near = near;
      this.far = far;
    }

    /** Called under the lock. */
    void begin(Toxic next) {
      if (lost && !orphaned && !(next instanceof Silence)) {
        reset();
      }
      if (next instanceof Cut cut) {
        left = cut.afterBytes();
      }
    }

    void reset() {
      links.remove(this);
      abort(near);
      abort(far);
    }

    void pump(Socket from, Socket to, boolean answers) {
      byte[] chunk = new byte[CHUNK_BYTES];
      try {
        OutputStream out = to.getOutputStream();
        int read;
        do {
          read = from.getInputStream().read(chunk);
          int passed = 0;
          while (passed < read) {
            passed += pass(chunk, passed, read, out, answers);
          }
        } while (read >= 0);
        if (lost || orphaned) {
          return; // the other side does not hear of this either
        }
        to.shutdownOutput();
        if (ended.incrementAndGet() == 2) {
          links.remove(this);
          quietly(near);
          quietly(far);
        }
      } catch (IOException e) {
        if (!lost && !orphaned) {
          reset();
        }
      } catch (InterruptedException e) {
        reset();
      }
    }

    /**
     * Passes on some of {@code chunk} from {@code begin} to {@code end}, at least a byte unless it
     * had to wait.
     *
     * @return how many
     */
    private int pass(byte[] chunk, int begin, int end, OutputStream out, boolean answers)
        throws IOException, InterruptedException {
      if (orphaned) {
        return end - begin;
      }
      Toxic now = now();
      int count = end - begin;
      switch (now) {
        case Silence _ -> {
          lost = true;
          hits.incrementAndGet();
          return count;
        }
        case Stall _ -> {
          hits.incrementAndGet();
          await(now, Long.MAX_VALUE);
          return 0;
        }
        case Down _ -> throw new IOException("down");
        case Latency latency -> {
          hits.incrementAndGet();
          await(now, drawn(latency));
        }
        case Trickle trickle -> {
          hits.incrementAndGet();
          count = Math.min(count, Math.max(1, trickle.bytesPerSecond() / TRICKLES_PER_SECOND));
          await(now, TimeUnit.SECONDS.toNanos(count) / trickle.bytesPerSecond());
        }
        case Cut _ -> {
          if (answers) {
            count = take(count);
            if (count == 0) {
              hits.incrementAndGet();
              throw new IOException("cut");
            }
          }
        }
        case None _ -> {}
      }
      out.write(chunk, begin, count);
      out.flush();
      return count;
    }

    private int take(int wanted) {
      lock.lock();
      try {
        int taken = Math.min(wanted, left);
        left -= taken;
        return taken;
      } finally {
        lock.unlock();
      }
    }
  }

  private Toxic now() {
    lock.lock();
    try {
      return toxic;
    } finally {
      lock.unlock();
    }
  }

  private long drawn(Latency latency) {
    long jitter = latency.jitter().toNanos();
    lock.lock();
    try {
      long off = jitter == 0 ? 0 : random.nextLong(-jitter, jitter + 1);
      return Math.max(0, latency.mean().toNanos() + off);
    } finally {
      lock.unlock();
    }
  }

  /** Waits so long, or until {@code during} is over. */
  private void await(Toxic during, long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (toxic == during && !closed && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Closes a socket with RST instead of FIN, as the system does for a process that dies. */
  private static void abort(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException e) {
      // closed already
    }
    quietly(socket);
  }

  private static void quietly(Closeable closeable) {
    try {
      closeable.close();
    } catch (IOException e) {
      // it is gone, which is what was wanted
    }
  }
}
