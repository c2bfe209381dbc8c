package io.ballast.kit.grpc;

import io.grpc.Context;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.jspecify.annotations.Nullable;

/**
 * The memory that the requests of one call take: the bytes of a message as they come from the
 * network, then its objects. What a call with one request takes is given back when the work for it
 * is done, but for the call itself, which is there until its client has taken the answer; of a
 * stream it is given back message by message, by whoever keeps one beyond its delivery ({@link
 * MessageRoom}). All is given back when the call has ended and nothing works for it any more.
 * Thread-safe.
 */
final class HeldRequest extends ServerStreamTracer {
  private static final Context.Key<HeldRequest> KEY = Context.key("ballast-held-request");

  /** What gRPC keeps of each part of a message beside its bytes: a client may send them singly. */
  private static final int PART_BYTES = 512;

  private final HeldRequests requests;
  private final String method;
  private final long mostMessageBytes;
  private volatile @Nullable OpenCall<?, ?> call;
  private volatile @Nullable StatusRuntimeException ended;
  private volatile int begun; // messages; that and the next are written by the transport's thread
  private volatile int whole;
  private long coming; // bytes of the message that comes; for the transport's thread alone

  private @Nullable Shares room; // from here on guarded by this
  private String owner = "";
  private long limit;
  private long ofCall;
  private boolean one;
  private boolean closed;
  private long held;
  private long unread;
  private long delivered;
  private int holders = 1;

  /**
   * @param mostMessageBytes of one message, before it is unpacked
   */
  HeldRequest(HeldRequests requests, String method, long mostMessageBytes) {
    this.requests = requests;
    this.method = method;
    this.mostMessageBytes = mostMessageBytes;
  }

  /** That of the current call; null outside a server's calls. */
  static @Nullable HeldRequest current() {
    return KEY.get();
  }

  /** Says what is to be ended if there is no room. */
  void of(OpenCall<?, ?> open) {
    call = open;
  }

  /**
   * Takes {@code bytes} for the call itself; from now on messages are taken from there, too.
   *
   * @param oneMessage whether the call's request is one message
   */
  synchronized boolean enter(Shares from, String whose, long bytes, boolean oneMessage) {
    room = from;
    owner = whose;
    limit = from.most();
    one = oneMessage;
    ofCall = bytes;
    return take(bytes);
  }

  @Override
  public Context filterContext(Context context) {
    return context.withValue(KEY, this);
  }

  @Override
  public void inboundMessage(int number) {
    coming = 0;
    begun = number + 1;
  }

  @Override
  public void inboundMessageRead(int number, long wireBytes, long bytes) {
    whole = number + 1;
  }

  /** Which message of the call has come in part, from 1; 0: none. */
  int inPart() {
    int last = begun;
    return last == whole ? 0 : last;
  }

  @Override
  public void inboundWireSize(long bytes) {
    if (bytes <= 0 || ended != null) {
      return; // within the process nothing is written
    }
    coming += bytes;
    if (coming > mostMessageBytes) {
      end(requests.tooLarge(method, mostMessageBytes));
    } else if (!came(bytes + PART_BYTES)) {
      end(full());
    }
  }

  /** The part of a message that came would stay in memory until the call is over. */
  void end(StatusRuntimeException why) {
    ended = why;
    dropOne();
    OpenCall<?, ?> open = call;
    if (open != null) {
      var unused = open.end(why);
    }
  }

  /** Why the call was ended while a message came; null: it was not. */
  @Nullable StatusRuntimeException ended() {
    return ended;
  }

  /** Counts that there is no room for what comes, and says so. */
  synchronized StatusRuntimeException full() {
    return requests.full(method, limit);
  }

  /**
   * Gives back the part that came of a call's one message: its end goes out at once, for no answer
   * is before it, and the other parts that arrive now may have room.
   */
  private synchronized void dropOne() {
    if (one) {
      read();
    }
  }

  private synchronized boolean came(long bytes) {
    if (!take(bytes)) {
      return false;
    }
    unread += bytes;
    return true;
  }

  /** Sees to it that {@code bytes} are taken for the message that is read; whether they are. */
  synchronized boolean unread(long bytes) {
    return bytes <= unread || came(bytes - unread);
  }

  /** The message that is read has become one of {@code bytes}; gives back what is beyond. */
  synchronized void whole(long bytes) {
    if (unread > bytes) {
      give(unread - bytes);
      unread = bytes;
    }
  }

  /** Takes the objects of the message that is read, beside its bytes; whether there is room. */
  synchronized boolean objects(long bytes) {
    if (!take(bytes)) {
      return false;
    }
    delivered += bytes;
    return true;
  }

  /** Gives back the bytes of the message that was read. */
  synchronized void read() {
    give(unread);
    unread = 0;
  }

  /** Gives back the message that was delivered, unless somebody keeps it. */
  synchronized void delivered() {
    give(delivered);
    delivered = 0;
  }

  /** The bytes of the message that is being delivered, which the caller gives back. */
  synchronized long keep() {
    long kept = delivered;
    delivered = 0;
    return kept;
  }

  /** One more works for the call. */
  synchronized void join() {
    holders++;
  }

  /** One less does. */
  synchronized void leave() {
    holders--;
    if (holders == 0) {
      give(held);
      room = null;
    } else if (one && !closed) {
      delivered = 0;
      give(held - ofCall);
    }
  }

  @Override
  public synchronized void streamClosed(Status status) {
    closed = true;
    leave();
  }

  synchronized void give(long bytes) {
    long given = Math.min(bytes, held); // all was given back if the call is over
    held -= given;
    if (room != null && given > 0) {
      room.give(owner, given);
    }
  }

  private boolean take(long bytes) {
    if (room == null) {
      return true; // nobody has let the call in yet, or it is over
    }
    if (!room.take(owner, bytes)) {
      return false;
    }
    held += bytes;
    return true;
  }
}
