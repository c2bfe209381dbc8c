package io.ballast.standalone.cli;

import io.ballast.kit.audit.AuditEntry;
import io.ballast.mesh.v1.AuditServiceGrpc;
import io.ballast.mesh.v1.StreamAuditEntriesRequest;
import io.ballast.mesh.v1.StreamAuditEntriesResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;

/** Audit trails that a test writes. */
final class FakeAudit extends AuditServiceGrpc.AuditServiceImplBase {
  /** What it tells, in this order. */
  final List<AuditEntry> entries = new ArrayList<>();

  /** Adds what follows the last entry of a trail. */
  AuditEntry add(String trail, String content) {
    List<AuditEntry> before = of(trail);
    String previous = before.isEmpty() ? AuditEntry.BEGINNING : before.getLast().sha256();
    AuditEntry unsigned = new AuditEntry(trail, before.size() + 1L, content, previous, "");
    AuditEntry entry =
        new AuditEntry(trail, unsigned.sequence(), content, previous, unsigned.computedSha256());
    entries.add(entry);
    return entry;
  }

  private List<AuditEntry> of(String trail) {
    return entries.stream().filter(entry -> entry.trail().equals(trail)).toList();
  }

  @Override
  public void streamAuditEntries(
      StreamAuditEntriesRequest request, StreamObserver<StreamAuditEntriesResponse> observer) {
    List<AuditEntry> asked = of(request.getTrail());
    if (asked.isEmpty()) {
      observer.onError(Status.NOT_FOUND.asRuntimeException());
      return;
    }
    asked.forEach(
        entry ->
            observer.onNext(
                StreamAuditEntriesResponse.newBuilder()
                    .setEntry(
                        io.ballast.mesh.v1.AuditEntry.newBuilder()
                            .setTrail(entry.trail())
                            .setSequence(entry.sequence())
                            .setContent(entry.content())
                            .setPreviousSha256(entry.previousSha256())
                            .setSha256(entry.sha256()))
                    .build()));
    observer.onCompleted();
  }
}
