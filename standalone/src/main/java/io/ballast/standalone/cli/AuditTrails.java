package io.ballast.standalone.cli;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.AuditServiceGrpc;
import io.ballast.mesh.v1.StreamAuditEntriesRequest;
import io.ballast.mesh.v1.StreamAuditEntriesResponse;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The audit trails of a mesh, wherever its servers are. */
final class AuditTrails {
  private static final List<Place> PLACES =
      List.of(
          new Place("policy", Role.POLICY_SERVER, VersionServiceGrpc.SERVICE_NAME),
          new Place("reward", Role.REWARD_SERVER, RewardServiceGrpc.SERVICE_NAME),
          new Place("safety", Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME),
          new Place("orchestrator", Role.ORCHESTRATOR, RunServiceGrpc.SERVICE_NAME));

  private record Place(String trail, Role role, String service) {}

  private AuditTrails() {}

  /**
   * Hands over the entries of each trail in its order.
   *
   * @param wanted a trail; empty: all that the target has
   */
  static void read(MeshTarget target, String wanted, Consumer<AuditEntry> taker) {
    boolean any = false;
    for (Place place : PLACES) {
      if (wanted.isEmpty() || wanted.equals(place.trail())) {
        any |= read(target, place, taker);
      }
    }
    if (!any) {
      throw new CommandFailure(
          Exit.USAGE,
          "UNKNOWN_TRAIL",
          wanted.isEmpty() || PLACES.stream().anyMatch(place -> place.trail().equals(wanted))
              ? "no server at the target keeps %s"
                  .formatted(wanted.isEmpty() ? "an audit trail" : "the audit trail " + wanted)
              : "no audit trail %s (there are: policy, reward, safety, orchestrator)"
                  .formatted(wanted));
    }
  }

  private static boolean read(MeshTarget target, Place place, Consumer<AuditEntry> taker) {
    try (MeshTarget.Connection mesh = target.connect(place.role(), place.service())) {
      Iterator<StreamAuditEntriesResponse> entries =
          AuditServiceGrpc.newBlockingStub(mesh.channel())
              .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .streamAuditEntries(
                  StreamAuditEntriesRequest.newBuilder()
                      .setMetadata(target.metadata())
                      .setTrail(place.trail())
                      .build());
      entries.forEachRemaining(
          answer ->
              taker.accept(
                  new AuditEntry(
                      answer.getEntry().getTrail(),
                      answer.getEntry().getSequence(),
                      answer.getEntry().getContent(),
                      answer.getEntry().getPreviousSha256(),
                      answer.getEntry().getSha256())));
      return true;
    } catch (StatusRuntimeException e) {
      Status.Code code = e.getStatus().getCode();
      if (code == Status.Code.NOT_FOUND || code == Status.Code.UNIMPLEMENTED) {
        return false; // another process has it
      }
      throw e;
    }
  }

  /** Verifies trails as their entries come, and knows what they are at the end. */
  static final class Verifier implements Consumer<AuditEntry> {
    private final String of;
    private final Map<String, AuditChain> chains = new TreeMap<>();

    /**
     * @param of whose trails, for messages
     */
    Verifier(String of) {
      this.of = of;
    }

    @Override
    public void accept(AuditEntry entry) {
      chains
          .computeIfAbsent(entry.trail(), name -> new AuditChain())
          .add(entry)
          .ifPresent(
              flaw -> {
                throw new CommandFailure(
                    Exit.FAILED,
                    "ALTERED",
                    "trail %s of %s: %s".formatted(entry.trail(), of, flaw));
              });
    }

    /** The verified trails by name. */
    Map<String, AuditChain> chains() {
      return chains;
    }
  }
}
