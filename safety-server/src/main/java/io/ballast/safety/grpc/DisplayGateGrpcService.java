package io.ballast.safety.grpc;

import io.ballast.kit.grpc.Replies;
import io.ballast.safety.core.gate.GateFlow;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideDisplayResponse;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DecideGenerationResponse;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.grpc.stub.StreamObserver;

/** The display gate's edge: translates, delegates, answers. Decides nothing. */
public final class DisplayGateGrpcService
    extends DisplayGateServiceGrpc.DisplayGateServiceImplBase {
  private final GateFlow flow;
  private final GateMapper mapper;
  private final Replies replies;

  public DisplayGateGrpcService(GateFlow flow, CallContexts contexts, Replies replies) {
    this.flow = flow;
    this.mapper = new GateMapper(contexts);
    this.replies = replies;
  }

  @Override
  public void decideGeneration(
      DecideGenerationRequest request, StreamObserver<DecideGenerationResponse> observer) {
    replies.unary(
        observer,
        () -> {
          String tenant = mapper.tenant(request.getMetadata(), request.getUser());
          return DecideGenerationResponse.newBuilder()
              .setAnswer(
                  GateMapper.answer(
                      flow.decideGeneration(
                          GateMapper.context(request), GateMapper.call(tenant, request))))
              .build();
        });
  }

  @Override
  public void decideDisplay(
      DecideDisplayRequest request, StreamObserver<DecideDisplayResponse> observer) {
    replies.unary(
        observer,
        () -> {
          String tenant = mapper.tenant(request.getMetadata(), request.getUser());
          return DecideDisplayResponse.newBuilder()
              .setAnswer(
                  GateMapper.answer(
                      flow.decideDisplay(
                          GateMapper.context(request),
                          GateMapper.suggestion(request),
                          GateMapper.call(tenant, request))))
              .build();
        });
  }
}
