package io.ballast.standalone.cli;

import io.ballast.kit.error.ConnectionFailures;
import io.ballast.kit.grpc.PeerFaults;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.netty.handler.codec.http2.Http2Exception;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/** Turns what a command threw into the one line that its user reads. */
final class Failures {
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  /** What gRPC says where a peer closes a connection without a word of HTTP/2. */
  private static final String CLOSED = "Network closed for unknown reason";

  private Failures() {}

  /**
   * Returns the failure that {@code thrown} amounts to.
   *
   * @param target where the mesh was looked for, such as 127.0.0.1:9100
   */
  static CommandFailure of(Throwable thrown, String target) {
    return switch (thrown) {
      case CommandFailure failure -> failure;
      case StatusRuntimeException status -> answered(status, target);
      case NoSuchFileException e ->
          new CommandFailure(Exit.USAGE, "NO_SUCH_FILE", e.getFile() + ": there is no such file");
      case FileNotFoundException e ->
          new CommandFailure(Exit.USAGE, "NO_SUCH_FILE", String.valueOf(e.getMessage()));
      case AccessDeniedException e ->
          new CommandFailure(
              Exit.FAILED, "ACCESS_DENIED", e.getFile() + ": you may not read or write it");
      case IOException e -> new CommandFailure(Exit.FAILED, "IO", oneLine(e));
      default -> new CommandFailure(Exit.FAILED, "BUG", oneLine(thrown));
    };
  }

  private static CommandFailure answered(StatusRuntimeException thrown, String target) {
    Status.Code code = thrown.getStatus().getCode();
    String said = described(thrown);
    boolean named = PeerFaults.reason(thrown).isPresent();
    String reason = PeerFaults.reason(thrown).map(Enum::name).orElse(code.name());
    return switch (code) {
      case UNAVAILABLE ->
          named
              ? new CommandFailure(Exit.FAILED, reason, said + "; try again in a moment")
              : unreachable(target, thrown);
      case DEADLINE_EXCEEDED ->
          new CommandFailure(
              Exit.FAILED,
              reason,
              "no answer in time from " + target + "; give it longer: --timeout 2m");
      case INVALID_ARGUMENT, OUT_OF_RANGE -> new CommandFailure(Exit.USAGE, reason, said);
      case NOT_FOUND, ALREADY_EXISTS -> new CommandFailure(Exit.FAILED, reason, said);
      case FAILED_PRECONDITION -> new CommandFailure(Exit.REFUSED, reason, said);
      case ABORTED ->
          new CommandFailure(
              Exit.REFUSED, reason, said + "; look again and repeat if it still holds");
      case RESOURCE_EXHAUSTED ->
          new CommandFailure(Exit.FAILED, reason, said + "; it is full: try again in a moment");
      case UNIMPLEMENTED ->
          new CommandFailure(
              Exit.FAILED,
              reason,
              (said.equals(code.name()) || said.contains("Method not found")
                      ? "the server at " + target + " does not have this call"
                      : said)
                  + "; with --split each server has a port of its own");
      case PERMISSION_DENIED -> new CommandFailure(Exit.REFUSED, reason, said);
      case UNAUTHENTICATED ->
          new CommandFailure(
              Exit.REFUSED, reason, said + "; give the token: export BALLAST_TOKEN=…");
      case DATA_LOSS ->
          new CommandFailure(Exit.FAILED, reason, said + "; ./mesh doctor checks all model files");
      case INTERNAL, UNKNOWN ->
          speaksOtherwise(thrown.getStatus())
              ? unreachable(target, thrown)
              : new CommandFailure(Exit.FAILED, reason, said + inLog(thrown));
      case OK, CANCELLED -> new CommandFailure(Exit.FAILED, reason, said);
    };
  }

  /** No mesh there, or one that was not spoken to as it wants to be. */
  static CommandFailure unreachable(String target, StatusRuntimeException thrown) {
    return new CommandFailure(
        Exit.UNREACHABLE,
        "UNAVAILABLE",
        speaksOtherwise(thrown.getStatus())
            ? "no mesh answers at "
                + target
                + ", but something listens there; if it encrypts: --tls-ca FILE, and if it asks who"
                + " calls: --tls-certificate FILE --tls-key FILE"
            : "no mesh answers at " + target + "; start one with ./mesh up");
  }

  /**
   * Whether somebody took the connection and then closed it, or said what is no HTTP/2, as TLS does
   * to whoever does not encrypt.
   */
  private static boolean speaksOtherwise(Status status) {
    Throwable cause = status.getCause();
    return cause == null
        ? CLOSED.equals(status.getDescription())
        : cause instanceof Http2Exception || ConnectionFailures.isBrokenOff(cause);
  }

  private static String described(StatusRuntimeException thrown) {
    String description = thrown.getStatus().getDescription();
    return description == null || description.isBlank()
        ? thrown.getStatus().getCode().name()
        : firstLine(description);
  }

  private static String inLog(StatusRuntimeException thrown) {
    return Optional.ofNullable(thrown.getTrailers())
        .map(trailers -> trailers.get(REQUEST_ID))
        .map(id -> "; request id " + id)
        .orElse("");
  }

  private static String oneLine(Throwable thrown) {
    String message = thrown.getMessage();
    String name = thrown.getClass().getSimpleName();
    return message == null || message.isBlank() ? name : name + ": " + firstLine(message);
  }

  private static String firstLine(String text) {
    return text.lines().filter(line -> !line.isBlank()).findFirst().orElse("").strip();
  }
}
