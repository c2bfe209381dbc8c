package io.ballast.orchestrator.adapter;

import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.LookCheck;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.safety.v1.GetLedgerRequest;
import io.ballast.safety.v1.LedgerEntry;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.grpc.Channel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Asks the safety-server's ledger for earlier looks at a set of prompts. */
public final class GrpcLookCheck implements LookCheck {
  private final SafetyServiceGrpc.SafetyServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout of the call
   */
  public GrpcLookCheck(Channel safetyServer, Duration timeout) {
    this.stub = SafetyServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout;
  }

  @Override
  public void require(String tenant, String path, List<String> prompts) {
    List<LedgerEntry> entries;
    try {
      entries = entries(tenant, sha256(prompts));
    } catch (MeshException e) {
      if (Patience.mayPass(e.fault())) {
        return;
      }
      throw new MeshException(e.fault(), path + ": " + e.getMessage(), e);
    }
    entries.stream()
        .filter(GrpcLookCheck::leavesNone)
        .findFirst()
        .ifPresent(
            entry -> {
              throw Faults.precondition(
                  "%s: were used before, in test %s (expected: prompts that no test has used)"
                      .formatted(path, entry.getEntryId()));
            });
  }

  private List<LedgerEntry> entries(String tenant, String sha256) {
    return PeerCalls.call(
        PeerCalls.SAFETY_SERVER,
        () ->
            stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                .getLedger(
                    GetLedgerRequest.newBuilder()
                        .setMetadata(PeerCalls.metadata(tenant))
                        .setPromptsSha256(sha256)
                        .build())
                .getEntriesList());
  }

  private static boolean leavesNone(LedgerEntry entry) {
    return entry.getState() != LookState.LOOK_STATE_GIVEN_BACK
        && (entry.getReuse() != ReuseRule.REUSE_RULE_SPLIT || entry.getClosed());
  }

  /** The hash that names a set of prompts: docs/certificates.md, Hashes. */
  public static String sha256(List<String> prompts) {
    MessageDigest digest = Sha256.digest();
    prompts.stream()
        .map(prompt -> prompt.getBytes(StandardCharsets.UTF_8))
        .sorted(Arrays::compareUnsigned)
        .forEach(
            prompt -> {
              digest.update(ByteBuffer.allocate(Long.BYTES).putLong(prompt.length).array());
              digest.update(prompt);
            });
    return Sha256.hex(digest);
  }
}
