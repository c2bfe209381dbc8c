package io.ballast.safety.grpc;

import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.Replies;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.safetytest.CertificateDesk;
import io.ballast.safety.core.safetytest.SafetyTests;
import io.ballast.safety.core.safetytest.StoredTest;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetCertificateResponse;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.GetSafetyTestResponse;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ListSafetyTestsResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.StartSafetyTestResponse;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.stub.StreamObserver;
import java.util.UUID;

/** The safety API's edge: translates, delegates, answers. Decides nothing. */
public final class SafetyGrpcService extends SafetyServiceGrpc.SafetyServiceImplBase {
  private final CostFlow costs;
  private final SafetyTests tests;
  private final CertificateDesk certificates;
  private final CostMapper costMapper;
  private final SafetyTestMapper mapper;
  private final Replies replies;

  public SafetyGrpcService(
      CostFlow costs,
      SafetyTests tests,
      CertificateDesk certificates,
      CallContexts contexts,
      Replies replies) {
    this.costs = costs;
    this.tests = tests;
    this.certificates = certificates;
    this.costMapper = new CostMapper(contexts);
    this.mapper = new SafetyTestMapper(contexts);
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

  @Override
  public void startSafetyTest(
      StartSafetyTestRequest request, StreamObserver<StartSafetyTestResponse> observer) {
    replies.unary(
        observer,
        () ->
            StartSafetyTestResponse.newBuilder()
                .setTest(SafetyTestMapper.test(tests.start(mapper.command(request))))
                .build());
  }

  @Override
  public void getSafetyTest(
      GetSafetyTestRequest request, StreamObserver<GetSafetyTestResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          UUID id = SafetyTestMapper.uuid("test_id", request.getTestId());
          StoredTest test =
              request.getWait() ? tests.await(id, ContextPatience.ofCurrentCall()) : tests.get(id);
          return GetSafetyTestResponse.newBuilder().setTest(SafetyTestMapper.test(test)).build();
        });
  }

  @Override
  public void listSafetyTests(
      ListSafetyTestsRequest request, StreamObserver<ListSafetyTestsResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          return ListSafetyTestsResponse.newBuilder()
              .addAllTests(
                  SafetyTestMapper.tests(tests.list(request.getRunId(), request.getPageSize())))
              .build();
        });
  }

  @Override
  public void getCertificate(
      GetCertificateRequest request, StreamObserver<GetCertificateResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          UUID id = SafetyTestMapper.uuid("certificate_id", request.getCertificateId());
          return GetCertificateResponse.newBuilder()
              .setCertificate(SafetyTestMapper.certificate(certificates.get(id)))
              .build();
        });
  }

  @Override
  public void verifyCertificate(
      VerifyCertificateRequest request, StreamObserver<VerifyCertificateResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          UUID id = SafetyTestMapper.uuid("certificate_id", request.getCertificateId());
          return SafetyTestMapper.response(
              certificates.verify(id, SafetyTestMapper.weights(request)));
        });
  }
}
