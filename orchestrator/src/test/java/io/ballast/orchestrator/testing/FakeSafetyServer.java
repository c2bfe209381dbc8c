package io.ballast.orchestrator.testing;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.orchestrator.adapter.GrpcCostCheck;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.CostValue;
import io.ballast.safety.v1.GetLedgerRequest;
import io.ballast.safety.v1.GetLedgerResponse;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.GetSafetyTestResponse;
import io.ballast.safety.v1.LedgerEntry;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.RevokeCertificateResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.StartSafetyTestResponse;
import io.ballast.safety.v1.Verdict;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A safety-server for which late letters do harm, and whose tests end as a test says, once: looks
 * and δ are counted as by the real one.
 */
public final class FakeSafetyServer extends SafetyServiceGrpc.SafetyServiceImplBase {
  /** Every cost call but those of a check. */
  public final List<CostRequest> calls = new CopyOnWriteArrayList<>();

  /** Every test, by its key. */
  public final Map<String, StartSafetyTestRequest> tests = new ConcurrentHashMap<>();

  private final Map<String, List<String>> looked = new ConcurrentHashMap<>();
  private final Map<String, SafetyTestState> ended = new ConcurrentHashMap<>();
  private final FakeLedger ledger = new FakeLedger();

  /** The key of every call that starts a test, repetitions too. */
  public final List<String> starts = new CopyOnWriteArrayList<>();

  /** Sees a cost model when a run is created; may throw. */
  public volatile Consumer<String> check = model -> {};

  /** Sees the key of each test before it is started; may throw. */
  public volatile Consumer<String> starting = key -> {};

  /** Sees each call that revokes a certificate; may throw. */
  public volatile Runnable revoking = () -> {};

  /** Completions that have no cost. */
  public volatile Predicate<String> unjudged = completion -> false;

  /** How tests end. */
  public volatile SafetyTestState verdict = SafetyTestState.SAFETY_TEST_STATE_PASSED;

  /** How tests end whose judge, such as {@code c/2}, is named here. */
  public final Map<String, SafetyTestState> verdicts = new ConcurrentHashMap<>();

  /** Certificates that were revoked, with why. */
  public final Map<String, String> revoked = new ConcurrentHashMap<>();

  /** Whether a test that fails keeps its look, as one does that had judged something. */
  public volatile boolean failuresSpend;

  /** Whether tests keep their numbers back. */
  public volatile boolean sealed;

  /** A test ends when it gets a permit; there are plenty unless a test drains them. */
  public final Semaphore testPermits = new Semaphore(1_000_000);

  /** Fires when somebody has begun to wait for a test. */
  public final Semaphore testBegun = new Semaphore(0);

  /** The test that was started with {@code key}. */
  public StartSafetyTestRequest test(String key) {
    return Objects.requireNonNull(tests.get(key), key);
  }

  @Override
  public void cost(CostRequest request, StreamObserver<CostResponse> observer) {
    FakeFaults.answer(
        observer,
        () -> {
          if (request.getItems(0).getCompletion().getText().equals(GrpcCostCheck.COMPLETION)) {
            check.accept(
                request.getCostModel().getModel() + "/" + request.getCostModel().getVersion());
          } else {
            calls.add(request);
          }
          return CostResponse.newBuilder()
              .addAllResults(request.getItemsList().stream().map(this::result).toList())
              .setModelVersion(version(request.getCostModel()))
              .build();
        });
  }

  private static ModelVersion version(ModelSelector selector) {
    String name = selector.getModel() + "/" + selector.getVersion();
    return ModelVersion.newBuilder()
        .setModel(selector.getModel())
        .setVersion(selector.getVersion())
        .setWeightsSha256(FakeWorld.sha(name))
        .build();
  }

  private CostResult result(CostItem item) {
    String completion = item.getCompletion().getText();
    if (unjudged.test(completion)) {
      return CostResult.newBuilder()
          .setFailure(
              ItemFailure.newBuilder()
                  .setReason(FailureReason.FAILURE_REASON_DEADLINE)
                  .setMessage("too late"))
          .setVerdict(Verdict.VERDICT_BLOCK)
          .build();
    }
    return CostResult.newBuilder()
        .setValue(CostValue.newBuilder().setHarmProbability(FakeWorld.harm(completion)))
        .setVerdict(Verdict.VERDICT_ALLOW)
        .build();
  }

  @Override
  public void startSafetyTest(
      StartSafetyTestRequest request, StreamObserver<StartSafetyTestResponse> observer) {
    FakeFaults.answer(
        observer,
        () -> {
          String key = request.getMetadata().getIdempotencyKey();
          boolean optimisedAgainst =
              !request.getSpec().getSameCostModel()
                  && request.getSpec().getOptimisedCostModelsList().stream()
                      .anyMatch(model -> model.equals(version(request.getSpec().getCostModel())));
          if (optimisedAgainst) {
            throw FakeFaults.of(
                Status.FAILED_PRECONDITION,
                "PRECONDITION_FAILED",
                "the run optimised against this cost model");
          }
          starting.accept(key);
          starts.add(key);
          begin(key, request);
          return StartSafetyTestResponse.newBuilder()
              .setTest(
                  test(key, ended.getOrDefault(key, SafetyTestState.SAFETY_TEST_STATE_RUNNING)))
              .build();
        });
  }

  private synchronized void begin(String key, StartSafetyTestRequest request) {
    StartSafetyTestRequest before = tests.get(key);
    if (before == null) {
      looked.put(key, ledger.take(key, request.getSpec()));
      tests.put(key, request);
    } else if (!before.equals(request)) {
      throw FakeFaults.of(
          Status.INVALID_ARGUMENT,
          "MALFORMED_REQUEST",
          "metadata.idempotency_key: '%s' was used for another safety test".formatted(key));
    }
  }

  private synchronized SafetyTestState end(String key) {
    return ended.computeIfAbsent(
        key,
        unused -> {
          SafetyTestState state = verdict(key);
          if (look(state) == LookState.LOOK_STATE_GIVEN_BACK) {
            ledger.giveBack(key);
          } else if (state == SafetyTestState.SAFETY_TEST_STATE_PASSED) {
            ledger.passed(key);
          }
          return state;
        });
  }

  @Override
  public void getLedger(GetLedgerRequest request, StreamObserver<GetLedgerResponse> observer) {
    FakeFaults.answer(
        observer,
        () ->
            GetLedgerResponse.newBuilder()
                .addAllEntries(ledger.entries(request.getPromptsSha256()))
                .build());
  }

  @Override
  public void getSafetyTest(
      GetSafetyTestRequest request, StreamObserver<GetSafetyTestResponse> observer) {
    FakeFaults.answer(
        observer,
        () -> {
          testBegun.release();
          testPermits.acquire();
          String key = request.getTestId().substring("test-".length());
          return GetSafetyTestResponse.newBuilder().setTest(test(key, end(key))).build();
        });
  }

  private SafetyTestState verdict(String key) {
    ModelSelector judge = test(key).getSpec().getCostModel();
    return verdicts.getOrDefault(judge.getModel() + "/" + judge.getVersion(), verdict);
  }

  @Override
  public void revokeCertificate(
      RevokeCertificateRequest request, StreamObserver<RevokeCertificateResponse> observer) {
    FakeFaults.answer(
        observer,
        () -> {
          revoking.run();
          revoked.putIfAbsent(request.getCertificateId(), request.getReason());
          return RevokeCertificateResponse.getDefaultInstance();
        });
  }

  @Override
  public void verifyCertificate(
      VerifyCertificateRequest request, StreamObserver<VerifyCertificateResponse> observer) {
    FakeFaults.answer(
        observer,
        () -> {
          String reason = revoked.get(request.getCertificateId());
          StartSafetyTestRequest test =
              test(request.getCertificateId().substring("certificate-".length()));
          boolean named =
              request
                      .getCandidateWeightsSha256()
                      .equals(test.getSpec().getCandidate().getWeightsSha256())
                  && request.getAlias().equals(test.getSpec().getAlias());
          return VerifyCertificateResponse.newBuilder()
              .setValid(named && reason == null)
              .setReason(
                  reason == null ? (named ? "" : "of another candidate") : "revoked: " + reason)
              .build();
        });
  }

  /** A test that fails gives its look back, unless failures spend theirs; no other does. */
  private LookState look(SafetyTestState state) {
    return state == SafetyTestState.SAFETY_TEST_STATE_FAILED && !failuresSpend
        ? LookState.LOOK_STATE_GIVEN_BACK
        : LookState.LOOK_STATE_TAKEN;
  }

  private SafetyTest test(String key, SafetyTestState state) {
    StartSafetyTestRequest request = tests.get(key);
    if (request == null) {
      throw FakeFaults.of(Status.NOT_FOUND, "UNKNOWN_RESOURCE", "no test " + key);
    }
    int n = Objects.requireNonNull(looked.get(key), key).size();
    boolean passed = state == SafetyTestState.SAFETY_TEST_STATE_PASSED;
    SafetyTest.Builder test =
        SafetyTest.newBuilder()
            .setTestId("test-" + key)
            .setState(state)
            .setCandidate(request.getSpec().getCandidate())
            .setCostModel(version(request.getSpec().getCostModel()))
            .setRunId(request.getRunId())
            .setPromptsCount(n)
            .setSealed(sealed)
            .setLook(LedgerEntry.newBuilder().setState(look(state)))
            .setCertificateId(passed ? "certificate-" + key : "");
    switch (state) {
      case SAFETY_TEST_STATE_PASSED, SAFETY_TEST_STATE_NO_SOLUTION_FOUND -> {
        test.setJudgedCount(n);
        if (!sealed) {
          test.setOutcome(
              SafetyTestOutcome.newBuilder()
                  .setN(n)
                  .setMeanCost(passed ? 0.1 : 0.5)
                  .setStdCost(0.05)
                  .setUpperBound(passed ? 0.2 : 0.6)
                  .setThreshold(request.getSpec().getThreshold())
                  .setDelta(request.getSpec().getDelta())
                  .setBoundMethod(request.getSpec().getBoundMethod()));
        }
      }
      case SAFETY_TEST_STATE_ABORTED -> test.setFailureMessage("one completion had no cost");
      case SAFETY_TEST_STATE_FAILED -> test.setFailureMessage("the candidate could not be sampled");
      case SAFETY_TEST_STATE_RUNNING, SAFETY_TEST_STATE_UNSPECIFIED, UNRECOGNIZED -> {}
    }
    return test.build();
  }
}
