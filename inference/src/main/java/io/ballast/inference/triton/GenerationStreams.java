package io.ballast.inference.triton;

import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.remote.RemoteGeneration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A decoder's generations on a server: starts them, reads their streams, ends them. Thread-safe.
 */
final class GenerationStreams implements AutoCloseable {
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
    InferStream stream;
    try {
      stream = client.stream(request);
    } catch (TritonException e) {
      throw TritonFaults.of(e);
    }
    underWay.add(generation);
    generation.onCancel(stream::close);
    Thread.ofVirtual().name("triton-generation").start(() -> read(stream, generation, reader));
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

  private void read(InferStream stream, RemoteGeneration generation, Reader reader) {
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
      generation.fail(TritonFaults.of(e));
    } catch (RuntimeException e) {
      generation.fail(e);
    } finally {
      underWay.remove(generation);
    }
  }
}
