package io.ballast.kit.telemetry;

import io.grpc.Status;
import io.opentelemetry.exporter.internal.FailedExportException.GrpcExportException;
import io.opentelemetry.exporter.internal.grpc.GrpcResponse;
import io.opentelemetry.sdk.common.CompletableResultCode;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says once that a collector takes nothing, why, and what to look at; and once that it takes it
 * again. Thread-safe.
 */
final class CollectorNews {
  private static final Logger LOG = LoggerFactory.getLogger(CollectorNews.class);

  private final String url;
  private final String what;
  private final AtomicBoolean away = new AtomicBoolean();

  /**
   * @param url of the collector
   * @param what it is sent, such as {@code metrics}
   */
  CollectorNews(String url, String what) {
    this.url = url;
    this.what = what;
  }

  /** Returns {@code sent}, and hears of what becomes of it. */
  CompletableResultCode hear(CompletableResultCode sent) {
    return sent.whenComplete(() -> tell(sent));
  }

  private void tell(CompletableResultCode sent) {
    if (sent.isSuccess()) {
      if (away.getAndSet(false)) {
        LOG.info("the collector at {} takes {} again", url, what);
      }
    } else if (!away.getAndSet(true)) {
      LOG.warn(
          "the collector at {} takes no {}: {}. Calls go on; the {} until it does are lost, and this is said once",
          url,
          what,
          reason(status(sent.getFailureThrowable())),
          what);
    }
  }

  /** What the exporter was answered; its exception has no message, only this. */
  private static Status status(@Nullable Throwable failure) {
    if (failure instanceof GrpcExportException failed) {
      GrpcResponse response = failed.getResponse();
      if (response != null) {
        return Status.fromCodeValue(response.grpcStatusValue())
            .withDescription(response.grpcStatusDescription());
      }
    }
    if (failure == null) {
      return Status.UNKNOWN.withDescription("no answer");
    }
    Throwable cause = Objects.requireNonNullElse(failure.getCause(), failure);
    return Status.UNKNOWN.withDescription(cause.getMessage());
  }

  /** For whoever reads the log: the answer, and what it comes from as a rule. */
  private String reason(Status status) {
    String description = status.getDescription();
    String answer =
        description == null
            ? status.getCode().name()
            : status.getCode() + ", " + description.lines().findFirst().orElse("");
    return switch (status.getCode()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED ->
          answer
              + " (is it up, and is that its port for OTLP over gRPC, 4317 as a rule? 4318 is HTTP's)";
      case UNIMPLEMENTED -> answer + " (it has no receiver or pipeline for " + what + ")";
      case UNAUTHENTICATED, PERMISSION_DENIED ->
          answer + " (it wants credentials, which are not sent: take a collector beside the mesh)";
      case RESOURCE_EXHAUSTED -> answer + " (it is full, or a message is too large for it)";
      default -> answer;
    };
  }
}
