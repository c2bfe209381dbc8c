package io.ballast.safety.grpc;

import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.Replies;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.grpc.stub.StreamObserver;

/** The safety API's edge: translates, delegates, answers. Decides nothing. */
public final class SafetyGrpcService extends SafetyServiceGrpc.SafetyServiceImplBase {
  private final CostFlow costs;
  private final CostMapper costMapper;
  private final Replies replies;

  public SafetyGrpcService(CostFlow costs, CallContexts contexts, Replies replies) {
    this.costs = costs;
    this.costMapper = new CostMapper(contexts);
    this.replies = replies;
  }

  @Override
  public void cost(CostRequest request, StreamObserver<CostResponse> observer) {
    replies.unary(
        observer,
        () ->
            CostMapper.response(
                costs.judge(costMapper.command(request), ContextPatience.ofCurrentCall())));
  }
}
