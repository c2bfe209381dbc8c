package io.ballast.safety.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Principals;
import io.ballast.kit.grpc.Replies;
import io.ballast.kit.security.Principal;
import io.ballast.safety.core.canary.CanaryWatcher;
import io.ballast.safety.core.cost.CostScorer;
import io.ballast.safety.core.safetytest.CertificateDesk;
import io.ballast.safety.core.safetytest.CertificateRedemptions;
import io.ballast.safety.core.safetytest.CertificateReplay;
import io.ballast.safety.core.safetytest.LookLedger;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import io.ballast.safety.core.safetytest.SafetyTests;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.core.safetytest.StoredTest;
import io.ballast.safety.core.safetytest.Verdicts;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetCertificateResponse;
import io.ballast.safety.v1.GetEvidenceRequest;
import io.ballast.safety.v1.GetEvidenceResponse;
import io.ballast.safety.v1.GetLedgerRequest;
import io.ballast.safety.v1.GetLedgerResponse;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.GetSafetyTestResponse;
import io.ballast.safety.v1.GetVerdictRequest;
import io.ballast.safety.v1.GetVerdictResponse;
import io.ballast.safety.v1.GetVerificationKeysRequest;
import io.ballast.safety.v1.GetVerificationKeysResponse;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import io.ballast.safety.v1.ListCanaryWatchesResponse;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ListSafetyTestsResponse;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.RedeemCertificateResponse;
import io.ballast.safety.v1.ReplayCertificateRequest;
import io.ballast.safety.v1.ReplayCertificateResponse;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.RevokeCertificateResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.StartSafetyTestResponse;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/** The safety API's edge: translates, delegates, answers. Decides nothing. */
public final class SafetyGrpcService extends SafetyServiceGrpc.SafetyServiceImplBase {
  private static final int SAMPLES_IN_A_MESSAGE = 1_000;

  private final CostScorer costs;
  private final SafetyTests tests;
  private final CertificateDesk certificates;
  private final CertificateRedemptions redemptions;
  private final Verdicts verdicts;
  private final CertificateReplay replay;
  private final LookLedger ledger;
  private final CanaryWatcher canaries;
  private final CostMapper costMapper;
  private final SafetyTestMapper mapper;
  private final Replies replies;

  public SafetyGrpcService(
      CostScorer costs,
      SafetyTests tests,
      CertificateDesk certificates,
      CertificateRedemptions redemptions,
      Verdicts verdicts,
      CertificateReplay replay,
      LookLedger ledger,
      CanaryWatcher canaries,
      CallContexts contexts,
      Replies replies) {
    this.costs = costs;
    this.tests = tests;
    this.certificates = certificates;
    this.redemptions = redemptions;
    this.verdicts = verdicts;
    this.replay = replay;
    this.ledger = ledger;
    this.canaries = canaries;
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
    if (request.getWait()) {
      replies.<GetSafetyTestResponse>follow(
          observer,
          sink ->
              sink.send(
                  found(
                      request,
                      id -> tests.await(id, boundTo(), ContextPatience.ofFollower(sink)))));
    } else {
      replies.unary(observer, () -> found(request, id -> tests.get(id, boundTo())));
    }
  }

  private GetSafetyTestResponse found(
      GetSafetyTestRequest request, Function<UUID, StoredTest> look) {
    mapper.requireCaller(request.getMetadata());
    UUID id = SafetyTestMapper.uuid("test_id", request.getTestId());
    return GetSafetyTestResponse.newBuilder()
        .setTest(SafetyTestMapper.test(look.apply(id)))
        .build();
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
                  SafetyTestMapper.tests(
                      tests.list(request.getRunId(), boundTo(), request.getPageSize())))
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
              .setCertificate(CertificateMapper.certificate(certificates.get(id)))
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
          return CertificateMapper.response(
              certificates.verify(id, CertificateMapper.expected(request)));
        });
  }

  @Override
  public void getEvidence(
      GetEvidenceRequest request, StreamObserver<GetEvidenceResponse> observer) {
    replies.stream(
        observer,
        sink -> {
          mapper.requireCaller(request.getMetadata());
          UUID id = SafetyTestMapper.uuid("certificate_id", request.getCertificateId());
          List<SampledCost> samples = ownEvidence(id).samples();
          for (int first = 0; first < samples.size(); first += SAMPLES_IN_A_MESSAGE) {
            int end = Math.min(samples.size(), first + SAMPLES_IN_A_MESSAGE);
            sink.send(CertificateMapper.evidence(first, samples.subList(first, end)));
          }
        });
  }

  @Override
  public void revokeCertificate(
      RevokeCertificateRequest request, StreamObserver<RevokeCertificateResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = mapper.caller(request.getMetadata());
          UUID id = SafetyTestMapper.uuid("certificate_id", request.getCertificateId());
          return RevokeCertificateResponse.newBuilder()
              .setCertificate(
                  CertificateMapper.certificate(
                      certificates.revoke(id, request.getReason(), caller)))
              .build();
        });
  }

  @Override
  public void redeemCertificate(
      RedeemCertificateRequest request, StreamObserver<RedeemCertificateResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = mapper.caller(request.getMetadata());
          UUID id = SafetyTestMapper.uuid("certificate_id", request.getCertificateId());
          return CertificateMapper.response(
              redemptions.redeem(id, CertificateMapper.change(request), caller));
        });
  }

  @Override
  public void getVerdict(GetVerdictRequest request, StreamObserver<GetVerdictResponse> observer) {
    replies.unary(
        observer,
        () ->
            VerdictMapper.response(
                verdicts.of(
                    MeshMessages.version(request.getCandidate()),
                    request.getAlias(),
                    mapper.caller(request.getMetadata()))));
  }

  @Override
  public void replayCertificate(
      ReplayCertificateRequest request, StreamObserver<ReplayCertificateResponse> observer) {
    replies.stream(
        observer,
        sink -> {
          mapper.requireCaller(request.getMetadata());
          UUID id = SafetyTestMapper.uuid("certificate_id", request.getCertificateId());
          Evidence unused = ownEvidence(id);
          sink.send(
              ReplayMapper.result(
                  replay.replay(
                      id, now -> sink.send(ReplayMapper.progress(now)), sink::cancelled)));
        });
  }

  @Override
  public void getLedger(GetLedgerRequest request, StreamObserver<GetLedgerResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          return LedgerMapper.response(
              ledger.list(request.getPromptsSha256(), boundTo(), request.getPageSize()));
        });
  }

  /** The tenant that the caller is bound to: tests of others are not there for it. */
  private static Optional<String> boundTo() {
    return Principals.current().flatMap(Principal::tenant);
  }

  /** What a certificate rests on: digests of the prompts of the tenant that had it tested. */
  private Evidence ownEvidence(UUID certificateId) {
    Evidence evidence = certificates.get(certificateId);
    StoredTest unused = tests.get(evidence.certificate().testId(), boundTo());
    return evidence;
  }

  @Override
  public void listCanaryWatches(
      ListCanaryWatchesRequest request, StreamObserver<ListCanaryWatchesResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          return CanaryMapper.response(
              canaries.list(request.getModel(), request.getUnderWay(), request.getPageSize()));
        });
  }

  @Override
  public void getVerificationKeys(
      GetVerificationKeysRequest request, StreamObserver<GetVerificationKeysResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          return CertificateMapper.keys(certificates.keys());
        });
  }
}
