package io.ballast.inference.triton;

import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kit.call.Texts;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Context.CancellationListener;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The answers to one request, in order: none, one or many. The server sends no more of them ahead
 * than the client's settings allow. Ends with the server's final mark, or fails at the deadline
 * where none comes. For one reader; {@link #close} may be called by any thread.
 */
public final class InferStream implements AutoCloseable {
  /** More answers than any stream has. */
  private static final int ALL = 1 << 30;

  private final ClientCall<ModelInferRequest, ModelStreamInferResponse> call;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final InferRequest request;
  private final ModelDescription known;
  private final KServeClient client;
  private final Deadline deadline;
  private final boolean drains;
  private final Context caller = Context.current();
  private final CancellationListener leaving = context -> close();
  private final AtomicBoolean left = new AtomicBoolean();
  private long answers;
  private boolean marked;
  private boolean ended;

  private InferStream(
      ClientCall<ModelInferRequest, ModelStreamInferResponse> call,
      InferRequest request,
      ModelDescription known,
      KServeClient client,
      Deadline deadline,
      boolean drains) {
    this.call = call;
    this.request = request;
    this.known = known;
    this.client = client;
    this.deadline = deadline;
    this.drains = drains;
  }

  static InferStream start(
      Channel channel,
      Deadline deadline,
      int ahead,
      boolean drains,
      InferRequest request,
      ModelDescription known,
      ModelInferRequest wire,
      KServeClient client) {
    // a call is cancelled with its context: one that is to be drained has a context of its own
    Context calling = drains ? Context.current().fork() : Context.current();
    Context before = calling.attach();
    ClientCall<ModelInferRequest, ModelStreamInferResponse> call;
    try {
      call =
          channel.newCall(
              GRPCInferenceServiceGrpc.getModelStreamInferMethod(), Calls.options(deadline));
    } finally {
      calling.detach(before);
    }
    InferStream stream = new InferStream(call, request, known, client, deadline, drains);
    call.start(stream.new Listener(), new Metadata());
    call.request(ahead);
    call.sendMessage(wire);
    call.halfClose();
    if (drains) {
      stream.caller.addListener(stream.leaving, Runnable::run);
    }
    return stream;
  }

  /**
   * Returns the next answer, waiting for it; empty after the last one.
   *
   * @throws TritonException for each way in which the stream may fail, after which it has ended;
   *     SILENT at the deadline
   */
  public Optional<InferAnswer> next() {
    while (!ended) {
      switch (take()) {
        case Answered answered -> {
          Optional<InferAnswer> answer = read(answered.wire());
          if (answer.isPresent()) {
            return answer;
          }
        }
        case Ended end -> {
          ended = true;
          if (!end.status().isOk()) {
            throw failure(end.status());
          }
        }
      }
    }
    return Optional.empty();
  }

  /** Whether the server has marked an answer as the last. */
  public boolean marked() {
    return marked;
  }

  /** Cancels what is still to come, or has it come unseen until the deadline: the settings say. */
  @Override
  public void close() {
    if (!left.compareAndSet(false, true)) {
      return;
    }
    if (drains) {
      caller.removeListener(leaving);
      events.add(new Ended(Status.CANCELLED.withDescription("the reader left"))); // wakes it
      call.request(ALL); // beside what was asked for before: an int must hold the sum
    } else {
      call.cancel("the reader left", null);
    }
  }

  private Optional<InferAnswer> read(ModelStreamInferResponse wire) {
    if (!wire.getErrorMessage().isEmpty()) {
      TritonException failure =
          TritonErrors.ofWords(
              wire.getErrorMessage(), KServeClient.subject(request.model()) + after());
      client.forget(request.model(), failure);
      throw end(failure);
    }
    ModelInferResponse answer = wire.getInferResponse();
    boolean last = InferMapper.isFinal(answer);
    if (last) {
      marked = true;
      ended = true;
      close();
    } else {
      call.request(1);
    }
    if (last && answer.getOutputsCount() == 0) {
      return Optional.empty();
    }
    try {
      InferAnswer checked = client.checked(request, known, answer, deadline);
      answers++;
      return Optional.of(checked);
    } catch (RuntimeException e) {
      throw end(e);
    }
  }

  private <E extends RuntimeException> E end(E failure) {
    ended = true;
    close();
    return failure;
  }

  private TritonException failure(Status status) {
    TritonException failure =
        TritonErrors.of(
            status, KServeClient.subject(request.model()) + after(), status.asRuntimeException());
    client.forget(request.model(), failure);
    return failure;
  }

  private String after() {
    return answers == 0 ? "" : ", after " + Texts.counted(answers, "answer");
  }

  private Event take() {
    try {
      return events.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw end(
          new TritonException(
              Reason.CANCELLED,
              KServeClient.subject(request.model()) + after() + ": the reader was interrupted",
              e));
    }
  }

  /** What may come. */
  private sealed interface Event {}

  private record Answered(ModelStreamInferResponse wire) implements Event {}

  private record Ended(Status status) implements Event {}

  private final class Listener extends ClientCall.Listener<ModelStreamInferResponse> {
    @Override
    public void onMessage(ModelStreamInferResponse wire) {
      if (!left.get()) {
        events.add(new Answered(wire));
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      events.add(new Ended(status));
    }
  }
}
