package io.ballast.safety.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.core.gatefit.DriftWatch;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.safety.core.gatefit.UnusableLogException;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;

/** The decisions for all tenants that a policy-server has recorded. */
public final class GrpcDriftSource implements DriftWatch.Source {
  private static final String PEER = "policy-server";

  /** A log of weeks takes its time, but one that hangs must not end the watch. */
  private static final Duration LONGEST = Duration.ofMinutes(30);

  private final GrpcDecisionLog log;

  public GrpcDriftSource(Channel policyServer) {
    this.log = new GrpcDecisionLog(policyServer, Optional.of(LONGEST));
  }

  @Override
  public void read(Instant since, Consumer<LoggedSuggestion> sink) {
    try {
      log.read(RequestMetadata.getDefaultInstance(), Optional.of(since), true, sink);
    } catch (StatusRuntimeException e) {
      throw PeerFaults.translate(e, PEER);
    } catch (UnusableLogException e) {
      throw new MeshException(Fault.DEPENDENCY_BROKEN, PEER + ": " + e.getMessage(), e);
    }
  }
}
