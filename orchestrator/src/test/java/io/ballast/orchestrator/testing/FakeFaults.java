package io.ballast.orchestrator.testing;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.concurrent.Callable;

/** Failures as the servers of the mesh send them. */
public final class FakeFaults {
  private FakeFaults() {}

  /** A failure with its reason. */
  public static StatusRuntimeException of(Status status, String reason, String message) {
    return of(status, reason, message, Map.of());
  }

  /** A failure with its reason and values. */
  public static StatusRuntimeException of(
      Status status, String reason, String message, Map<String, String> metadata) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(status.getCode().value())
            .setMessage(message)
            .addDetails(
                Any.pack(ErrorInfo.newBuilder().setReason(reason).putAllMetadata(metadata).build()))
            .build());
  }

  /** Busy; asks to wait. */
  public static StatusRuntimeException busy(int seconds) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
            .setMessage("busy")
            .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("OVERLOADED").build()))
            .addDetails(
                Any.pack(
                    RetryInfo.newBuilder()
                        .setRetryDelay(Duration.newBuilder().setSeconds(seconds))
                        .build()))
            .build());
  }

  /** Answers a call with what {@code work} returns or throws. */
  static <T> void answer(StreamObserver<T> observer, Callable<T> work) {
    T answer;
    try {
      answer = work.call();
    } catch (StatusRuntimeException e) {
      observer.onError(e);
      return;
    } catch (Exception e) {
      observer.onError(Status.INTERNAL.withDescription(e.toString()).asRuntimeException());
      return;
    }
    observer.onNext(answer);
    observer.onCompleted();
  }
}
