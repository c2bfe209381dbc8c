package io.ballast.orchestrator.adapter;

import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.peer.CostCheck;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.grpc.Channel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Asks the safety-server's Cost for the cost of one completion. */
public final class GrpcCostCheck implements CostCheck {
  /** The completion that is asked about; what its cost is does not matter. */
  public static final String COMPLETION = GrpcRewardCheck.COMPLETION;

  /** Nobody who creates a run waits longer for a model that loads. */
  private static final Duration MOST = Duration.ofSeconds(5);

  private final SafetyServiceGrpc.SafetyServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout of the call; at most 5 s are used
   */
  public GrpcCostCheck(Channel safetyServer, Duration timeout) {
    this.stub = SafetyServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout.compareTo(MOST) < 0 ? timeout : MOST;
  }

  @Override
  public void require(String tenant, String path, ModelRef model, String prompt) {
    try {
      var unused =
          PeerCalls.call(
              PeerCalls.SAFETY_SERVER,
              () ->
                  stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                      .cost(
                          GrpcCosts.request(tenant, model)
                              .addItems(
                                  CostItem.newBuilder()
                                      .setPrompt(PeerCalls.text(prompt))
                                      .setCompletion(PeerCalls.text(COMPLETION)))
                              .build()));
    } catch (MeshException e) {
      if (!Patience.mayPass(e.fault())) {
        throw new MeshException(e.fault(), path + ": " + e.getMessage(), e);
      }
    }
  }
}
