package io.ballast.kit.grpc;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.kit.security.Principal;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.api.trace.Span;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.event.Level;

/**
 * Replies from an executor of virtual threads of its own. More calls at once than its limit are
 * refused with OVERLOADED: a full server does not queue.
 */
public final class VirtualThreadReplies implements BidiReplies, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualThreadReplies.class);

  /** Characters of a message in a log; it may have what a caller wrote. */
  private static final int SHOWN_MESSAGE = 1_024;

  private static final int USUAL_STREAMS = 4_096;

  /**
   * What the requests of one stream may take of memory before no more of them are read; with one
   * beyond.
   */
  private static final int WINDOW_BYTES = 4 << 20;

  /** Of the calls that may be under way, one in so many may be a follower that was woken. */
  private static final int CALLS_PER_FOLLOWER = 8;

  /**
   * So many of them at the most: what they do is to read, and other calls need connections to the
   * database too, of which a pool has eight by default.
   */
  private static final int MOST_WOKEN = 4;

  private final StatusMapper mapper;
  private final int maxCalls;
  private final int maxStreams;
  private final Turns permits;
  private final Semaphore streams;
  private final Turns turns; // of followers
  private final Set<Fault> warned = ConcurrentHashMap.newKeySet(); // since the last call that did
  private final ExecutorService executor =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("call-", 0).factory());

  /** As the other, with 4,096 streams that wait. */
  public VirtualThreadReplies(StatusMapper mapper, int maxCalls) {
    this(mapper, maxCalls, USUAL_STREAMS);
  }

  /**
   * @param maxCalls how many calls may be under way at once, ≥ 1
   * @param maxStreams how many streams that wait, for their callers or for something to happen,
   *     there may be at once, ≥ 1
   */
  public VirtualThreadReplies(StatusMapper mapper, int maxCalls, int maxStreams) {
    if (maxCalls < 1) {
      throw new IllegalArgumentException("maxCalls: " + maxCalls + " (allowed: ≥ 1)");
    }
    if (maxStreams < 1) {
      throw new IllegalArgumentException("maxStreams: " + maxStreams + " (allowed: ≥ 1)");
    }
    this.mapper = mapper;
    this.maxCalls = maxCalls;
    this.maxStreams = maxStreams;
    this.permits = new Turns(maxCalls);
    this.streams = new Semaphore(maxStreams);
    this.turns = new Turns(Math.clamp(maxCalls / CALLS_PER_FOLLOWER, 1, MOST_WOKEN));
  }

  @Override
  public <T> void unary(StreamObserver<T> observer, Callable<T> work) {
    ObserverSink<T> sink = new ObserverSink<>(observer, Context.current());
    start(
        sink,
        place -> {
          T answer = work.call();
          settle(place);
          if (!sink.answer(answer)) {
            throw new CancellationException("the caller left");
          }
        });
  }

  @Override
  public <T> void stream(StreamObserver<T> observer, StreamWork<T> work) {
    ObserverSink<T> sink = new ObserverSink<>(observer, Context.current());
    start(
        sink,
        place -> {
          work.run(new PlacedSink<>(sink, place));
          settle(place);
          complete(sink);
        });
  }

  @Override
  public <T> void follow(StreamObserver<T> observer, FollowWork<T> work) {
    ObserverSink<T> sink = new ObserverSink<>(observer, Context.current());
    start(
        sink,
        place -> {
          place.joinStreams();
          sink.onCancel(place::giveUp);
          work.run(new FollowerSink<>(sink, place));
          settle(place);
          complete(sink);
        });
  }

  @Override
  public <Q, A> StreamObserver<Q> bidirectional(
      StreamObserver<A> observer, int window, BidiWork<Q, A> work) {
    ObserverSink<A> sink = new ObserverSink<>(observer, Context.current());
    Runnable readMore = () -> {};
    if (observer instanceof ServerCallStreamObserver<A> call) {
      call.disableAutoRequest();
      call.request(1);
      readMore = () -> call.request(1);
    }
    return new Requests<>(sink, readMore, work, new ClientLead(window, WINDOW_BYTES));
  }

  /** Stops taking calls and interrupts those under way. */
  @Override
  public void close() {
    executor.shutdownNow();
  }

  private interface Work {
    void run(Place place) throws Exception;
  }

  /** One of the calls that may be under way; of a stream that waits, also one of those. */
  private final class Place {
    private final AtomicBoolean taken = new AtomicBoolean(true);
    private volatile Turns.@Nullable Turn awaited;
    private @Nullable HeldRequest request; // this and what follows are for the thread of the work
    private boolean stream;
    private boolean turn;

    Place(@Nullable HeldRequest request) {
      this.request = request;
      if (request != null) {
        request.join();
      }
    }

    void free() {
      if (taken.getAndSet(false)) {
        permits.giveBack();
      }
      if (turn) {
        turn = false;
        turns.giveBack();
      }
    }

    /** Frees it, is none of the streams that wait any more, and has no more use of the request. */
    void end() {
      free();
      HeldRequest held = request;
      if (held != null) {
        request = null;
        held.leave();
      }
      if (stream) {
        stream = false;
        streams.release();
      }
    }

    /** Becomes one of the streams that wait, until the end. */
    void joinStreams() {
      if (!stream) {
        if (!streams.tryAcquire()) {
          throw tooManyStreams();
        }
        stream = true;
      }
    }

    /** Takes a place again after {@link #free}. */
    void retake() {
      if (!permits.tryTake()) {
        throw full();
      }
      taken.set(true);
    }

    /**
     * Takes a place again after {@link #free}, when it is its turn and there is one; none if the
     * caller of {@code sink} has left by then.
     */
    void awaitTurn(ObserverSink<?> sink) {
      turn = await(turns, sink);
      taken.set(turn && await(permits, sink));
    }

    /** Waits for one of {@code turns}; returns whether it has it, or its caller has left. */
    private boolean await(Turns turns, ObserverSink<?> sink) {
      Turns.Turn next = turns.next();
      awaited = next;
      if (sink.cancelled()) { // perhaps before there was something to give up
        var unused = next.giveUp();
      }
      try {
        return next.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw Status.CANCELLED.withDescription("the server is stopping").asRuntimeException();
      } finally {
        awaited = null;
      }
    }

    /** Waits for no turn any more: its caller has left. */
    void giveUp() {
      Turns.Turn next = awaited;
      if (next != null) {
        var unused = next.giveUp();
      }
    }
  }

  /** The way out of a stream, with the place that its work has. */
  private abstract static class Way<T> implements Sink<T> {
    final ObserverSink<T> sink;
    final Place place;

    Way(ObserverSink<T> sink, Place place) {
      this.sink = sink;
      this.place = place;
    }

    @Override
    public void send(T item) {
      sink.send(item);
    }

    @Override
    public final boolean cancelled() {
      return sink.cancelled();
    }

    @Override
    public final void onCancel(Runnable action) {
      sink.onCancel(action);
    }
  }

  /** That of a stream that may wait for its caller. */
  private static final class PlacedSink<T> extends Way<T> implements StreamSink<T> {
    PlacedSink(ObserverSink<T> sink, Place place) {
      super(sink, place);
    }

    @Override
    public <V> V idle(Callable<V> wait) throws Exception {
      place.joinStreams();
      place.free();
      V came = wait.call();
      place.retake();
      return came;
    }
  }

  /** That of a stream that follows. */
  private static final class FollowerSink<T> extends Way<T> implements FollowSink<T> {
    FollowerSink(ObserverSink<T> sink, Place place) {
      super(sink, place);
    }

    @Override
    public void send(T item) {
      if (sink.wouldWait()) {
        idle(sink::awaitReady);
      }
      super.send(item);
    }

    @Override
    public void idle(Runnable wait) {
      place.free();
      wait.run();
      if (!sink.cancelled()) { // who has left waits for nothing any more
        place.awaitTurn(sink);
      }
    }
  }

  private void start(ObserverSink<?> sink, Work work) {
    start(sink, work, () -> {});
  }

  /**
   * Starts work if there is room for it.
   *
   * @param afterwards runs once the work was done and its place is free again
   */
  private void start(ObserverSink<?> sink, Work work, Runnable afterwards) {
    if (!permits.tryTake()) {
      fail(sink, full());
      return;
    }
    Place place = new Place(HeldRequest.current());
    Runnable call =
        () -> {
          boolean done = false;
          try (MDC.MDCCloseable request = MDC.putCloseable("request_id", requestId());
              MDC.MDCCloseable principal = MDC.putCloseable("principal", principal());
              MDC.MDCCloseable tenant = MDC.putCloseable("tenant", tenant());
              MDC.MDCCloseable trace = MDC.putCloseable("trace_id", traceId())) {
            work.run(place);
            done = true;
          } catch (Throwable e) { // the caller must hear of everything, of errors too
            place.end();
            fail(sink, e);
          } finally {
            place.end();
          }
          if (done) {
            afterwards.run();
          }
        };
    try {
      executor.execute(Context.current().wrap(call));
    } catch (RejectedExecutionException e) {
      place.end();
      fail(sink, new MeshException(Fault.DEPENDENCY_DOWN, "the server is stopping", e));
    }
  }

  private MeshException full() {
    return new MeshException(
        Fault.OVERLOADED,
        "%,d calls are under way, the limit; slow down".formatted(maxCalls),
        Map.of("limit", Integer.toString(maxCalls), MeshException.SHED, "max_calls"));
  }

  private MeshException tooManyStreams() {
    return new MeshException(
        Fault.OVERLOADED,
        "%,d streams wait, the limit; come back later".formatted(maxStreams),
        Map.of("limit", Integer.toString(maxStreams), MeshException.SHED, "max_streams"));
  }

  private void complete(ObserverSink<?> sink) {
    if (!sink.complete()) {
      fail(sink, new CancellationException("the caller left"));
    }
  }

  private void fail(ObserverSink<?> sink, Throwable thrown) {
    StatusMapper.Judgement judgement = mapper.judge(thrown);
    log(judgement, thrown);
    try {
      sink.fail(judgement.answer());
    } catch (RuntimeException e) {
      LOG.debug("a call was over before its error could be sent", e);
    }
  }

  /**
   * Clears away after a call that went well, before its caller hears of its end: who does may call
   * again at once.
   */
  private void settle(Place place) {
    if (!warned.isEmpty()) {
      warned.clear();
    }
    place.end();
  }

  /** Warnings are for the change only: a database that is away would fill the log. */
  private void log(StatusMapper.Judgement judgement, Throwable thrown) {
    if (judgement.isBug()) {
      LOG.error("{}: a bug", requestId(), Wordless.of(thrown));
      return;
    }
    Level level = judgement.level();
    Fault fault = judgement.fault();
    if (level == Level.WARN && fault != null && !warned.add(fault)) {
      level = Level.DEBUG;
    }
    LOG.atLevel(level)
        .log(
            "{}: {}: {}",
            requestId(),
            judgement.answer().getStatus().getCode(),
            Texts.asLine(String.valueOf(thrown.getMessage()), SHOWN_MESSAGE));
  }

  private static String requestId() {
    CallIdentity call = CallIdentity.current();
    return call == null ? "-" : call.requestId();
  }

  private static String principal() {
    return Principals.current().map(Principal::name).orElse("-");
  }

  /** The one that the caller is bound to; what a request names is known once it is read. */
  private static String tenant() {
    return Principals.current().flatMap(Principal::tenant).orElse("-");
  }

  private static String traceId() {
    return Span.current().getSpanContext().getTraceId();
  }

  /** Takes the requests of one stream; it ends when all that came are answered. */
  private final class Requests<Q, A> implements StreamObserver<Q> {
    private final ObserverSink<A> sink;
    private final Runnable readMore;
    private final BidiWork<Q, A> work;
    private final ClientLead lead;
    private final AtomicInteger open = new AtomicInteger(1); // one for the caller's half

    Requests(ObserverSink<A> sink, Runnable readMore, BidiWork<Q, A> work, ClientLead lead) {
      this.sink = sink;
      this.readMore = readMore;
      this.work = work;
      this.lead = lead;
    }

    @Override
    public void onNext(Q request) {
      MessageRoom room = MessageRoom.keep();
      boolean more = lead.came(room.bytes());
      open.incrementAndGet();
      start(
          sink,
          place -> {
            work.answer(request, sink);
            settle(place);
            close();
          },
          () -> answered(room)); // after its place is free, or the next might find none
      if (more) {
        readMore.run();
      }
    }

    private void answered(MessageRoom room) {
      room.giveBack();
      if (lead.answered(1, room.bytes())) {
        readMore.run();
      }
    }

    @Override
    public void onError(Throwable error) {
      LOG.debug("{}: the caller broke off its stream", requestId());
    }

    @Override
    public void onCompleted() {
      close();
    }

    private void close() {
      if (open.decrementAndGet() == 0) {
        complete(sink);
      }
    }
  }
}
