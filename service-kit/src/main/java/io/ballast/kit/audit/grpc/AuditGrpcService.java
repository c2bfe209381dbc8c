package io.ballast.kit.audit.grpc;

import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.mesh.v1.AuditServiceGrpc;
import io.ballast.mesh.v1.StreamAuditEntriesRequest;
import io.ballast.mesh.v1.StreamAuditEntriesResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;

/** The audit trails of the servers of a process: translates, delegates, answers. */
public final class AuditGrpcService extends AuditServiceGrpc.AuditServiceImplBase {
  private static final int PAGE = 200;

  private final List<AuditTrail> trails;
  private final Replies replies;

  /**
   * @param trails one of each server that keeps one
   */
  public AuditGrpcService(List<AuditTrail> trails, Replies replies) {
    this.trails = List.copyOf(trails);
    this.replies = replies;
  }

  @Override
  public void streamAuditEntries(
      StreamAuditEntriesRequest request, StreamObserver<StreamAuditEntriesResponse> observer) {
    replies.<StreamAuditEntriesResponse>stream(
        observer,
        sink -> {
          var unused = RequestContexts.from(request.getMetadata());
          if (request.getAfterSequence() < 0) {
            throw Texts.malformed(
                "after_sequence",
                "%d (expected: at least 0)".formatted(request.getAfterSequence()));
          }
          for (AuditTrail trail : asked(request.getTrail())) {
            send(trail, request.getAfterSequence(), sink);
          }
        });
  }

  private List<AuditTrail> asked(String name) {
    List<AuditTrail> asked =
        trails.stream().filter(trail -> name.isEmpty() || trail.name().equals(name)).toList();
    if (asked.isEmpty()) {
      String shown = Texts.asLine(name, 64);
      throw new MeshException(
          Fault.UNKNOWN_RESOURCE,
          "trail: no audit trail %s here".formatted(shown),
          Map.of("trail", shown));
    }
    return asked;
  }

  private static void send(
      AuditTrail trail, long after, Replies.Sink<StreamAuditEntriesResponse> sink)
      throws Exception {
    long place = after;
    List<AuditEntry> page = trail.after(place, PAGE);
    while (!page.isEmpty()) {
      for (AuditEntry entry : page) {
        sink.send(StreamAuditEntriesResponse.newBuilder().setEntry(message(entry)).build());
      }
      place = page.getLast().sequence();
      page = trail.after(place, PAGE);
    }
  }

  private static io.ballast.mesh.v1.AuditEntry message(AuditEntry entry) {
    return io.ballast.mesh.v1.AuditEntry.newBuilder()
        .setTrail(entry.trail())
        .setSequence(entry.sequence())
        .setContent(entry.content())
        .setPreviousSha256(entry.previousSha256())
        .setSha256(entry.sha256())
        .build();
  }
}
