package io.ballast.kit.kserve.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.grpc.Context;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Makes inferences within the time that they allow themselves, and counts them. Thread-safe. */
public final class Inferences implements AutoCloseable {
  private final InferenceCounts counts = new InferenceCounts();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("kserve-timeouts").factory());
  private final InstantSource clock;
  private final LongSupplier nanoTime;

  /**
   * @param nanoTime measures how long they take
   */
  public Inferences(InstantSource clock, LongSupplier nanoTime) {
    this.clock = clock;
    this.nanoTime = nanoTime;
  }

  InferenceCounts counts() {
    return counts;
  }

  /**
   * Makes one; it succeeds or fails as a whole, and is counted as that.
   *
   * @param earlier takes the answers before the last
   * @return the last answer
   */
  ModelInferResponse.Builder infer(
      ModelInferRequest request, ServedModel model, Consumer<ModelInferResponse.Builder> earlier) {
    long start = nanoTime.getAsLong();
    long arrival = clock.millis();
    boolean succeeded = false;
    try {
      RequestReader reader = new RequestReader(request, model.signature());
      InferenceCommand command = reader.command();
      AnswerWriter writer = new AnswerWriter(request.getId(), model, command);
      LastAnswer last =
          inTime(
              reader,
              () -> model.infer(command, outputs -> earlier.accept(writer.answer(outputs))));
      ModelInferResponse.Builder answer = writer.answer(last.outputs());
      counts.succeeded(
          model.id(), command.batchSize(), last.times(), nanoTime.getAsLong() - start, arrival);
      succeeded = true;
      return answer;
    } finally {
      if (!succeeded) {
        counts.failed(model.id(), nanoTime.getAsLong() - start, arrival);
      }
    }
  }

  @FunctionalInterface
  private interface Work {
    LastAnswer run();
  }

  /** A timeout of the request's own is a deadline within the call's. */
  private LastAnswer inTime(RequestReader reader, Work work) {
    Optional<Duration> timeout = reader.timeout();
    if (timeout.isEmpty()) {
      return work.run();
    }
    Context call = Context.current();
    Context.CancellableContext bounded =
        call.withDeadlineAfter(timeout.get().toNanos(), TimeUnit.NANOSECONDS, timer);
    Context before = bounded.attach();
    try {
      return work.run();
    } catch (MeshException | CancellationException e) {
      if (bounded.isCancelled() && !call.isCancelled()) {
        throw new MeshException(Fault.TIMED_OUT, reader.prefix() + "Request timeout expired", e);
      }
      throw e;
    } finally {
      bounded.detach(before);
      bounded.close();
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
