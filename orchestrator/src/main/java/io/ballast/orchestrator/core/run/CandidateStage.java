package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.peer.DeltaShare;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.PolicyVersions.Promotion;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.promotion.Decision;
import io.ballast.orchestrator.core.promotion.Promoter;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.SafetyTestSpec;
import io.ballast.orchestrator.core.watch.RunAlarm;
import java.util.List;
import java.util.stream.IntStream;

/** What becomes of a candidate: its safety test, and promotion or none. */
final class CandidateStage {
  private final RunStore store;
  private final RunRecords records;
  private final Promoter promoter;
  private final SafetyTester tester;
  private final RunCertificates certificates;
  private final Patiences patience;
  private final RunMonitor monitor;

  CandidateStage(
      RunStore store,
      RunRecords records,
      PolicyVersions versions,
      SafetyTester tester,
      RunCertificates certificates,
      Patiences patience,
      RunMonitor monitor) {
    this.store = store;
    this.records = records;
    this.promoter = new Promoter(versions, tester);
    this.tester = tester;
    this.certificates = certificates;
    this.patience = patience;
    this.monitor = monitor;
  }

  /**
   * Starts the safety test of each constraint, or finds the one that was started, and waits for its
   * end; the next one is started if it passed. A prompt serves one test, so each has its own.
   */
  Run test(Job job, Run run) {
    PinnedVersion candidate = run.progress().candidate();
    if (candidate == null) {
      throw new IllegalStateException("a run in TESTING has a candidate: " + run.runId());
    }
    return monitor.watch(
        run,
        Phase.TEST,
        () -> {
          Run tested = run;
          for (int j = 0; j < job.spec().constraints().size() && passed(tested, job, j); j++) {
            tested = hasPassed(tested, job, j) ? tested : test(job, tested, candidate, j);
          }
          return tested.state().active() ? records.change(job, tested, Run::pausedIfAsked) : tested;
        });
  }

  /** Whether the tests of all constraints before number {@code next} have passed. */
  private static boolean passed(Run run, Job job, int next) {
    return IntStream.range(0, next).allMatch(j -> hasPassed(run, job, j));
  }

  private static boolean hasPassed(Run run, Job job, int constraint) {
    SafetyTestReport test = run.progress().test(nameOf(job, constraint));
    return test != null && test.state() == SafetyTestReport.State.PASSED;
  }

  private static String nameOf(Job job, int constraint) {
    return job.spec().constraints().get(constraint).name();
  }

  /** A test that is recorded is gone on with by its id, unless it told nothing. */
  private Run test(Job job, Run run, PinnedVersion candidate, int constraint) {
    String name = nameOf(job, constraint);
    SafetyTestReport report = run.progress().test(name);
    Run tested = run;
    if (report == null || report.toldNothing()) {
      SafetyTester.Order order = order(job, run, candidate, constraint);
      switch (patience.safetyServer().call("start the safety test", () -> tester.start(order))) {
        case SafetyTester.Start.Started(SafetyTestReport started) -> report = started.of(name);
        case SafetyTester.Start.PromptsRefused(String reason) -> {
          return records.change(
              job, run, stored -> stored.testRefused(reason, NextTest.TAKES_PROMPTS));
        }
        case SafetyTester.Start.DeltaRefused(String reason) -> {
          revokeOthers(run, name);
          return records.change(job, run, stored -> stored.testRefused(reason, NextTest.NONE));
        }
      }
      tested = recordTest(job, run, report);
    }
    while (report.state() == SafetyTestReport.State.RUNNING) {
      String testId = report.testId();
      report =
          patience
              .safetyServer()
              .call("wait for the safety test", () -> tester.await(run.tenant(), testId))
              .of(name);
      tested = recordTest(job, tested, report);
    }
    return tested;
  }

  private SafetyTester.Order order(Job job, Run run, PinnedVersion candidate, int constraint) {
    RunSpec spec = job.spec();
    LoopState state =
        patience.database().call("read its state", () -> store.loopState(run.runId()));
    int attempt = run.progress().testAttempts();
    String key = attempt == 0 ? run.runId() : run.runId() + "-" + attempt;
    ConstraintSpec tested = spec.constraints().get(constraint);
    return new SafetyTester.Order(
        run.tenant(),
        spec.constraints().size() == 1 ? key : key + "-" + tested.name(),
        run.runId(),
        candidate,
        run.base(),
        spec.alias(),
        spec.constrained() ? state.costModels() : List.of(),
        spec.safetyTest().of(tested.test()),
        DeltaShare.of(spec, run.runId(), constraint),
        job.testPrompts(constraint));
  }

  private Run recordTest(Job job, Run run, SafetyTestReport report) {
    return records.change(job, run, stored -> stored.withTest(report));
  }

  /** What follows from the test. */
  Run promote(Job job, Run run) {
    SafetyTestReport report = run.progress().test();
    PinnedVersion candidate = run.progress().candidate();
    if (report == null || candidate == null) {
      throw new IllegalStateException("a tested run has a candidate and a test: " + run.runId());
    }
    return switch (Decision.of(
        job.spec().promotion(), report, RunAlarm.refusal(run.progress().alarms()))) {
      case Decision.Wait() -> run;
      case Decision.TestFailed(String reason) -> {
        NextTest next = nextTest(job.spec().safetyTest(), run, report);
        if (next == NextTest.NONE) {
          revokeOthers(run, report.constraint());
        }
        yield records.change(
            job, run, stored -> stored.testFailed(reason + words(next), report.spent(), next));
      }
      case Decision.NoSolutionFound(String reason) -> {
        revokeOthers(run, report.constraint());
        yield records.end(
            job,
            run,
            RunState.NO_SOLUTION_FOUND,
            job.spec().constraints().size() == 1 ? reason : report.constraint() + ": " + reason);
      }
      case Decision.Hold(String reason) -> records.end(job, run, RunState.HELD, reason);
      case Decision.Promote() ->
          switch (promoted(job, run, candidate, run.certificateId())) {
            case Promoter.Outcome.Promoted() -> records.end(job, run, RunState.PROMOTED, "");
            case Promoter.Outcome.Refused(String reason) ->
                records.end(job, run, RunState.REFUSED, reason);
          };
    };
  }

  /** What the next test takes after one that told nothing. */
  private static NextTest nextTest(SafetyTestSpec spec, Run run, SafetyTestReport failed) {
    if (!failed.spent()) {
      return NextTest.AS_PLANNED;
    }
    return switch (spec.reuse()) {
      case SPLIT -> NextTest.AS_PLANNED; // its set has other looks, or is closed by then
      case REFUSE -> {
        if (run.progress().spentAttempts() + 1 >= spec.attempts()) {
          yield NextTest.NONE;
        }
        yield spec.drawCount() == 0 ? NextTest.NEEDS_PROMPTS : NextTest.AS_PLANNED;
      }
    };
  }

  private static String words(NextTest next) {
    return switch (next) {
      case AS_PLANNED, TAKES_PROMPTS -> "";
      case NEEDS_PROMPTS -> "; another test needs fresh prompts";
      case NONE -> "; no part of delta is left for another (safety_test.attempts)";
    };
  }

  /** All constraints must hold: what the others' tests proved promotes nothing. */
  private void revokeOthers(Run run, String constraint) {
    patience
        .safetyServer()
        .run(
            "revoke certificates",
            () ->
                certificates.revoke(
                    run, "the same candidate did not pass by the constraint " + constraint));
  }

  private Promoter.Outcome promoted(
      Job job, Run run, PinnedVersion candidate, String certificateId) {
    Promotion promotion = promotion(run, job.spec().alias(), candidate, certificateId);
    return monitor.watch(
        run,
        Phase.PROMOTE,
        () ->
            patience
                .policyServer()
                .call(
                    "promote " + candidate, () -> promoter.promote(promotion, run.testsBeside())));
  }

  /** The promotion of a run's candidate; the same however often it is asked for. */
  static Promotion promotion(Run run, String alias, PinnedVersion candidate, String certificateId) {
    return new Promotion(
        run.tenant(), run.runId() + "-promote", alias, run.base(), candidate, certificateId);
  }
}
