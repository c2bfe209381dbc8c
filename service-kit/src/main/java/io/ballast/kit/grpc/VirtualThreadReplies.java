package io.ballast.kit.grpc;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.kit.security.Principal;
import io.grpc.Context;
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

  private final StatusMapper mapper;
  private final int maxCalls;
  private final Semaphore permits;
  private final Set<Fault> warned = ConcurrentHashMap.newKeySet(); // since the last call that did
  private final ExecutorService executor =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("call-", 0).factory());

  /**
   * @param maxCalls how many calls may be under way at once, ≥ 1
   */
  public VirtualThreadReplies(StatusMapper mapper, int maxCalls) {
    if (maxCalls < 1) {
      throw new IllegalArgumentException("maxCalls: " + maxCalls + " (allowed: ≥ 1)");
    }
    this.mapper = mapper;
    this.maxCalls = maxCalls;
    this.permits = new Semaphore(maxCalls);
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
  public <Q, A> StreamObserver<Q> bidirectional(
      StreamObserver<A> observer, int window, BidiWork<Q, A> work) {
    ObserverSink<A> sink = new ObserverSink<>(observer, Context.current());
    Runnable readMore = () -> {};
    if (observer instanceof ServerCallStreamObserver<A> call) {
      call.disableAutoRequest();
      call.request(window);
      readMore = () -> call.request(1);
    }
    return new Requests<>(sink, readMore, work);
  }

  /** Stops taking calls and interrupts those under way. */
  @Override
  public void close() {
    executor.shutdownNow();
  }

  private interface Work {
    void run(Place place) throws Exception;
  }

  /** One of the calls that may be under way. */
  private final class Place {
    private final AtomicBoolean taken = new AtomicBoolean(true);

    void free() {
      if (taken.getAndSet(false)) {
        permits.release();
      }
    }

    /** Takes a place again after {@link #free}. */
    void retake() {
      if (!permits.tryAcquire()) {
        throw full();
      }
      taken.set(true);
    }
  }

  /** The way out of a stream, with the place that its work has. */
  private record PlacedSink<T>(ObserverSink<T> sink, Place place) implements StreamSink<T> {
    @Override
    public void send(T item) {
      sink.send(item);
    }

    @Override
    public boolean cancelled() {
      return sink.cancelled();
    }

    @Override
    public void onCancel(Runnable action) {
      sink.onCancel(action);
    }

    @Override
    public <V> V idle(Callable<V> wait) throws Exception {
      place.free();
      V came = wait.call();
      place.retake();
      return came;
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
    if (!permits.tryAcquire()) {
      fail(sink, full());
      return;
    }
    Place place = new Place();
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
            place.free();
            fail(sink, e);
          } finally {
            place.free();
          }
          if (done) {
            afterwards.run();
          }
        };
    try {
      executor.execute(Context.current().wrap(call));
    } catch (RejectedExecutionException e) {
      place.free();
      fail(sink, new MeshException(Fault.DEPENDENCY_DOWN, "the server is stopping", e));
    }
  }

  private MeshException full() {
    return new MeshException(
        Fault.OVERLOADED,
        "%,d calls are under way, the limit; slow down".formatted(maxCalls),
        Map.of("limit", Integer.toString(maxCalls), MeshException.SHED, "max_calls"));
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
    place.free();
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
    private final AtomicInteger open = new AtomicInteger(1); // one for the caller's half

    Requests(ObserverSink<A> sink, Runnable readMore, BidiWork<Q, A> work) {
      this.sink = sink;
      this.readMore = readMore;
      this.work = work;
    }

    @Override
    public void onNext(Q request) {
      open.incrementAndGet();
      start(
          sink,
          place -> {
            work.answer(request, sink);
            settle(place);
            close();
          },
          readMore); // after this one's place is free, or the next might find none
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
