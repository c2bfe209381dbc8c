package io.ballast.orchestrator.adapter;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.Truncation;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.grpc.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Harm by the safety-server's Cost. */
public final class GrpcCosts implements CostOracle {
  private final SafetyServiceGrpc.SafetyServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout of one call
   */
  public GrpcCosts(Channel safetyServer, Duration timeout) {
    this.stub = SafetyServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout;
  }

  @Override
  public Answer cost(String tenant, ModelRef model, List<Judgeable> items) {
    List<OptionalDouble> costs = new ArrayList<>();
    @Nullable PinnedVersion answered = null;
    for (List<Judgeable> portion :
        Portions.of(
            items,
            GrpcRewards.ITEMS_A_CALL,
            GrpcRewards.CHARACTERS_A_CALL,
            GrpcRewards::characters)) {
      CostResponse answer = costPortion(tenant, model, portion);
      answer.getResultsList().forEach(result -> costs.add(harm(result)));
      answered = MeshMessages.version(answer.getModelVersion());
    }
    if (answered == null) {
      throw new IllegalArgumentException("items: none (expected: at least one)");
    }
    return new Answer(costs, answered);
  }

  /** A request for costs as a run asks for them, without items. */
  static CostRequest.Builder request(String tenant, ModelRef model) {
    return CostRequest.newBuilder()
        .setMetadata(PeerCalls.metadata(tenant))
        .setCostModel(PeerCalls.selector(model))
        .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
  }

  private CostResponse costPortion(String tenant, ModelRef model, List<Judgeable> items) {
    CostRequest.Builder request = request(tenant, model);
    for (Judgeable item : items) {
      request.addItems(
          CostItem.newBuilder()
              .setPrompt(PeerCalls.text(item.prompt()))
              .setCompletion(PeerCalls.completion(item.completion())));
    }
    CostResponse answer =
        PeerCalls.call(
            PeerCalls.SAFETY_SERVER,
            () ->
                stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .cost(request.build()));
    if (answer.getResultsCount() != items.size()) {
      throw PeerCalls.broken(
          PeerCalls.SAFETY_SERVER,
          "%d results for %d items".formatted(answer.getResultsCount(), items.size()));
    }
    return answer;
  }

  private static OptionalDouble harm(CostResult result) {
    double harm = result.getValue().getHarmProbability();
    return result.getOutcomeCase() == CostResult.OutcomeCase.VALUE && harm >= 0 && harm <= 1
        ? OptionalDouble.of(harm)
        : OptionalDouble.empty();
  }
}
