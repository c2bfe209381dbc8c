package io.ballast.inference.triton;

import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.remote.RemoteGeneration;
import io.grpc.Context;
import io.grpc.Deadline;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A decoder's generations on a server: starts them, reads their streams, ends them. A generation
 * leaves with the {@link Context} that it was started in: when that is cancelled or its deadline
 * passes, so is its call, and it ends as one whose caller has left. Thread-safe.
 */
final class GenerationStreams implements AutoCloseable {
  /** By how much a server's clock may end a call before its caller's does. */
  private static final long HASTE_MILLIS = 50;

  private final KServeClient client;
  private final ServedModel model;
  private final Set<RemoteGeneration> underWay = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  GenerationStreams(KServeClient client, ServedModel model) {
    this.client = client;
    this.model = model;
  }

  /** Makes of one generation's answers what they mean. Called by one thread. */
  interface Reader {
    /**
     * Takes an answer.
     *
     * @param last whether the server has marked it as the last
     */
    void answered(InferAnswer answer, boolean last);

    /**
     * Takes the end of the stream.
     *
     * @param marked whether the server has marked it
     */
    void ended(boolean marked);
  }

  /** The model, as it begins the message of a failure. */
  String subject() {
    return KServeClient.subject(model);
  }

  /** Where the server is. */
  String at() {
    return client.at();
  }

  void requireOpen() {
    if (closed) {
      throw closedFailure();
    }
  }

  /**
   * Starts a generation.
   *
   * @throws ModelException if the server cannot be asked
   */
  GenerationHandle start(InferRequest request, RemoteGeneration generation, Reader reader) {
    Context caller = Context.current();
    InferStream stream;
    try {
      stream = client.stream(request);
    } catch (TritonException e) {
      if (!left(caller, e)) {
        throw TritonFaults.of(e);
      }
      generation.cancel();
      generation.fail(TritonFaults.of(e));
      return generation;
    }
    underWay.add(generation);
    generation.onCancel(stream::close);
    Thread.ofVirtual()
        .name("triton-generation")
        .start(() -> read(stream, generation, reader, caller));
    if (closed) {
      close(generation);
    }
    return generation;
  }

  @Override
  public void close() {
    closed = true;
    underWay.forEach(this::close);
  }

  private void close(RemoteGeneration generation) {
    generation.fail(closedFailure());
    generation.cancel();
  }

  private ModelException closedFailure() {
    return new ModelException(Reason.CLOSED, subject() + ": closed");
  }

  /**
   * Whether a failure is that of a caller who left. Its call may fail at the deadline a moment
   * before its context hears of it, and the server, which counts for itself, a moment before that.
   */
  private static boolean left(Context caller, TritonException e) {
    return switch (e.reason()) {
      case CANCELLED -> caller.isCancelled();
      case SILENT -> caller.isCancelled() || isAtItsEnd(caller.getDeadline());
      default -> false;
    };
  }

  static boolean isAtItsEnd(@Nullable Deadline deadline) {
    return deadline != null && deadline.timeRemaining(TimeUnit.MILLISECONDS) < HASTE_MILLIS;
  }

  private void read(
      InferStream stream, RemoteGeneration generation, Reader reader, Context caller) {
    try (stream) {
      // what is over waits for no further answer: leaving the stream cancels it
      while (!generation.result().isDone()) {
        Optional<InferAnswer> answer = stream.next();
        if (answer.isPresent()) {
          reader.answered(answer.get(), stream.marked());
        } else {
          reader.ended(stream.marked());
          generation.ended();
        }
      }
    } catch (TritonException e) {
      if (left(caller, e)) {
        generation.cancel();
      }
      generation.fail(TritonFaults.of(e));
    } catch (RuntimeException e) {
      generation.fail(e);
    } finally {
      generation.ended(); // after an error too, or its caller would wait for ever
      underWay.remove(generation);
    }
  }
}
