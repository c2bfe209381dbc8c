package io.ballast.safety.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.safetytest.SamplingChoice;
import io.ballast.safety.core.safetytest.StoredTest;
import io.ballast.safety.core.safetytest.TestCommand;
import io.ballast.safety.core.safetytest.TestOutcome;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.NoSolutionReason;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Translates safety tests. */
final class SafetyTestMapper {
  private static final int UUID_CHARACTERS = 36;

  private final CallContexts contexts;

  SafetyTestMapper(CallContexts contexts) {
    this.contexts = contexts;
  }

  /** Validates who asks, where it does not matter who it is. */
  void requireCaller(RequestMetadata metadata) {
    var unused = caller(metadata);
  }

  /** Who asks. */
  Caller caller(RequestMetadata metadata) {
    return contexts.caller(metadata);
  }

  TestCommand command(StartSafetyTestRequest request) {
    SafetyTestSpec spec = request.getSpec();
    return new TestCommand(
        contexts.caller(request.getMetadata()),
        MeshMessages.version(spec.getCandidate()),
        MeshMessages.selector(spec.getCostModel()),
        spec.getOptimisedCostModelsList().stream().map(MeshMessages::version).toList(),
        spec.getPromptsList(),
        spec.getGroupsList(),
        spec.getThreshold(),
        spec.getDelta(),
        method(spec),
        choice(spec.getSampling()),
        spec.getMaxPromptTokens(),
        spec.hasBase() ? Optional.of(MeshMessages.version(spec.getBase())) : Optional.empty(),
        spec.getAlias(),
        spec.getDrawCount(),
        reuse(spec),
        spec.getLooks(),
        spec.getAccount(),
        spec.getAccountLooks(),
        spec.getSameCostModel(),
        request.getRunId(),
        Sha256.of(
            StartSafetyTestRequest.newBuilder()
                .setSpec(spec)
                .setRunId(request.getRunId())
                .build()
                .toByteArray()));
  }

  private static io.ballast.rl.bound.BoundMethod method(SafetyTestSpec spec) {
    return switch (spec.getBoundMethod()) {
      case BOUND_METHOD_UNSPECIFIED, BOUND_METHOD_STUDENT_T ->
          io.ballast.rl.bound.BoundMethod.STUDENT_T;
      case BOUND_METHOD_HOEFFDING -> io.ballast.rl.bound.BoundMethod.HOEFFDING;
      case BOUND_METHOD_EMPIRICAL_BERNSTEIN -> io.ballast.rl.bound.BoundMethod.EMPIRICAL_BERNSTEIN;
      case BOUND_METHOD_CLOPPER_PEARSON -> io.ballast.rl.bound.BoundMethod.CLOPPER_PEARSON;
      case BOUND_METHOD_BETTING -> io.ballast.rl.bound.BoundMethod.BETTING;
      case UNRECOGNIZED ->
          throw Texts.malformed(
              "spec.bound_method",
              spec.getBoundMethodValue()
                  + " (expected: STUDENT_T, HOEFFDING, EMPIRICAL_BERNSTEIN, CLOPPER_PEARSON or"
                  + " BETTING)");
    };
  }

  private static io.ballast.safety.core.safetytest.ReuseRule reuse(SafetyTestSpec spec) {
    return switch (spec.getReuse()) {
      case REUSE_RULE_UNSPECIFIED, REUSE_RULE_REFUSE ->
          io.ballast.safety.core.safetytest.ReuseRule.REFUSE;
      case REUSE_RULE_SPLIT -> io.ballast.safety.core.safetytest.ReuseRule.SPLIT;
      case UNRECOGNIZED ->
          throw Texts.malformed(
              "spec.reuse", spec.getReuseValue() + " (expected: REFUSE or SPLIT)");
    };
  }

  private static SamplingChoice choice(SamplingOptions options) {
    MeshMessages.requirePlain(options, "spec.sampling");
    if (options.hasSeed()) {
      throw Texts.malformed(
          "spec.sampling.seed",
          options.getSeed() + " (expected: none: the server draws it with the look)");
    }
    return new SamplingChoice(
        options.hasTemperature() ? options.getTemperature() : null,
        options.hasTopK() ? options.getTopK() : null,
        options.hasTopP() ? options.getTopP() : null,
        options.hasMaxNewTokens() ? options.getMaxNewTokens() : null,
        options.getStopStringsList());
  }

  /** Reads an id in its canonical form; {@code UUID.fromString} alone would take "1-1-1-1-1". */
  static UUID uuid(String field, String text) {
    if (text.length() == UUID_CHARACTERS) {
      try {
        UUID id = UUID.fromString(text);
        if (id.toString().equalsIgnoreCase(text)) {
          return id;
        }
      } catch (IllegalArgumentException e) {
        throw noUuid(field, text);
      }
      throw noUuid(field, text);
    }
    throw Texts.malformed(field, "%,d characters (expected: a UUID)".formatted(text.length()));
  }

  private static MeshException noUuid(String field, String text) {
    return Texts.malformed(field, "'%s' (expected: a UUID)".formatted(text));
  }

  static SafetyTest test(StoredTest test) {
    SafetyTest.Builder message =
        SafetyTest.newBuilder()
            .setTestId(test.id().toString())
            .setState(
                switch (test.state()) {
                  case RUNNING -> SafetyTestState.SAFETY_TEST_STATE_RUNNING;
                  case PASSED -> SafetyTestState.SAFETY_TEST_STATE_PASSED;
                  case NO_SOLUTION_FOUND -> SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND;
                  case FAILED -> SafetyTestState.SAFETY_TEST_STATE_FAILED;
                  case ABORTED -> SafetyTestState.SAFETY_TEST_STATE_ABORTED;
                })
            .setCandidate(MeshMessages.version(test.candidate()))
            .setCostModel(MeshMessages.version(test.costModel()))
            .setFailureMessage(test.failureMessage())
            .setPromptsSha256(test.promptsSha256())
            .setPromptsCount(test.promptsCount())
            .setJudgedCount(test.judgedCount())
            .setRunId(test.runId())
            .setStartTime(Timestamps.of(test.startedAt()))
            .setSealed(test.sealed());
    test.look().ifPresent(look -> message.setLook(LedgerMapper.entry(look)));
    test.outcome().ifPresent(outcome -> message.setOutcome(outcome(outcome)));
    test.outcome()
        .flatMap(TestOutcome::reason)
        .ifPresent(reason -> message.setNoSolutionReason(reason(reason)));
    test.certificateId().ifPresent(id -> message.setCertificateId(id.toString()));
    test.endedAt().ifPresent(at -> message.setEndTime(Timestamps.of(at)));
    return message.build();
  }

  private static NoSolutionReason reason(io.ballast.rl.bound.NoSolutionReason reason) {
    return switch (reason) {
      case OVER_THRESHOLD -> NoSolutionReason.NO_SOLUTION_REASON_OVER_THRESHOLD;
      case NO_SPREAD -> NoSolutionReason.NO_SOLUTION_REASON_NO_SPREAD;
    };
  }

  static List<SafetyTest> tests(List<StoredTest> tests) {
    return tests.stream().map(SafetyTestMapper::test).toList();
  }

  static SafetyTestOutcome outcome(TestOutcome outcome) {
    SafetyTestNumbers numbers = outcome.numbers();
    return SafetyTestOutcome.newBuilder()
        .setN(numbers.n())
        .setMeanCost(numbers.meanCost())
        .setStdCost(numbers.stdCost())
        .setUpperBound(numbers.upperBound())
        .setThreshold(numbers.threshold())
        .setDelta(numbers.delta())
        .setBoundMethod(
            switch (numbers.method()) {
              case STUDENT_T -> BoundMethod.BOUND_METHOD_STUDENT_T;
              case HOEFFDING -> BoundMethod.BOUND_METHOD_HOEFFDING;
              case EMPIRICAL_BERNSTEIN -> BoundMethod.BOUND_METHOD_EMPIRICAL_BERNSTEIN;
              case CLOPPER_PEARSON -> BoundMethod.BOUND_METHOD_CLOPPER_PEARSON;
              case BETTING -> BoundMethod.BOUND_METHOD_BETTING;
            })
        .setFailedItemsCount(outcome.failedItems())
        .build();
  }
}
