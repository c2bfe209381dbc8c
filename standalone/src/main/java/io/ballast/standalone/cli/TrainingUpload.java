package io.ballast.standalone.cli;

import com.google.protobuf.ByteString;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Asks a server for a training, sending its file as fast as the server takes it. */
final class TrainingUpload {
  private static final int PIECE_BYTES = 256 << 10;

  private final MeshTarget.Connection mesh;
  private final ProgressLine progress;

  TrainingUpload(MeshTarget.Connection mesh, ProgressLine progress) {
    this.mesh = mesh;
    this.progress = progress;
  }

  /**
   * Starts a training.
   *
   * @param first has the plan
   * @param files that it learns from, by their objectives, in the plan's order; one file that is of
   *     none is under an empty name
   * @throws StatusRuntimeException if the server refuses
   */
  StartTrainingResponse start(StartTrainingRequest first, Map<String, Path> files)
      throws IOException, InterruptedException {
    Call call = new Call();
    var unused = RewardTrainingServiceGrpc.newStub(mesh.channel()).startTraining(call);
    call.send(first);
    long size = 1;
    for (Path file : files.values()) {
      size += Files.size(file);
    }
    long sent = 1;
    try {
      for (Map.Entry<String, Path> file : files.entrySet()) {
        sent = send(call, file.getKey(), file.getValue(), sent, size);
      }
    } catch (IOException e) {
      call.cancel();
      throw e;
    }
    return call.finish(mesh.timeoutMillis());
  }

  /** Sends a file, and returns how many bytes have been sent by then. */
  private long send(Call call, String objective, Path file, long before, long all)
      throws IOException, InterruptedException {
    long sent = before;
    try (InputStream bytes = Files.newInputStream(file)) {
      for (byte[] piece = bytes.readNBytes(PIECE_BYTES);
          piece.length > 0 && !call.isOver();
          piece = bytes.readNBytes(PIECE_BYTES)) {
        call.send(
            StartTrainingRequest.newBuilder()
                .setFileBytes(ByteString.copyFrom(piece))
                .setObjectiveName(objective)
                .build());
        sent += piece.length;
        progress.at("sending the file", (double) sent / all);
      }
    }
    return sent;
  }

  /** The call; its sender waits while the server does not take more. */
  private static final class Call
      implements ClientResponseObserver<StartTrainingRequest, StartTrainingResponse> {
    private final CompletableFuture<StartTrainingResponse> answer = new CompletableFuture<>();
    private final Semaphore changes = new Semaphore(0);
    private @Nullable ClientCallStreamObserver<StartTrainingRequest> requests;

    @Override
    public void beforeStart(ClientCallStreamObserver<StartTrainingRequest> stream) {
      requests = stream;
      stream.setOnReadyHandler(changes::release);
    }

    private ClientCallStreamObserver<StartTrainingRequest> requests() {
      if (requests == null) {
        throw new IllegalStateException("the call has not been started");
      }
      return requests;
    }

    boolean isOver() {
      return answer.isDone();
    }

    void send(StartTrainingRequest request) throws InterruptedException {
      while (!requests().isReady() && !isOver()) {
        changes.acquire();
      }
      if (!isOver()) {
        requests().onNext(request);
      }
    }

    void cancel() {
      requests().cancel("the file cannot be read", null);
    }

    StartTrainingResponse finish(long timeoutMillis) throws InterruptedException {
      if (!isOver()) {
        requests().onCompleted();
      }
      try {
        return answer.get(timeoutMillis, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        requests().cancel("no answer in time", e);
        throw Status.DEADLINE_EXCEEDED.asRuntimeException();
      } catch (ExecutionException e) {
        throw e.getCause() instanceof StatusRuntimeException refused
            ? refused
            : new IllegalStateException(e);
      }
    }

    @Override
    public void onNext(StartTrainingResponse response) {
      answer.complete(response);
      changes.release();
    }

    @Override
    public void onError(Throwable error) {
      answer.completeExceptionally(error);
      changes.release();
    }

    @Override
    public void onCompleted() {
      answer.completeExceptionally(
          Status.INTERNAL.withDescription("the server gave no answer").asRuntimeException());
      changes.release();
    }
  }
}
