package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.PolicyVersions.Promotion;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.promotion.Decision;
import io.ballast.orchestrator.core.promotion.Promoter;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.watch.RunAlarm;
import java.util.List;

/** What becomes of a candidate: its safety test, and promotion or none. */
final class CandidateStage {
  private final RunStore store;
  private final RunRecords records;
  private final PolicyVersions versions;
  private final SafetyTester tester;
  private final Patiences patience;
  private final RunMonitor monitor;

  CandidateStage(
      RunStore store,
      RunRecords records,
      PolicyVersions versions,
      SafetyTester tester,
      Patiences patience,
      RunMonitor monitor) {
    this.store = store;
    this.records = records;
    this.versions = versions;
    this.tester = tester;
    this.patience = patience;
    this.monitor = monitor;
  }

  /** Starts the safety test, or finds the one that was started, and waits for its end. */
  Run test(Job job, Run run) {
    PinnedVersion candidate = run.progress().candidate();
    if (candidate == null) {
      throw new IllegalStateException("a run in TESTING has a candidate: " + run.runId());
    }
    LoopState state =
        patience.database().call("read its state", () -> store.loopState(run.runId()));
    int attempt = run.progress().testAttempts();
    SafetyTester.Order order =
        new SafetyTester.Order(
            run.tenant(),
            attempt == 0 ? run.runId() : run.runId() + "-" + attempt,
            run.runId(),
            candidate,
            run.base(),
            job.spec().alias(),
            job.spec().constrained() ? state.costModels() : List.of(),
            job.spec().safetyTest(),
            job.prompts().test());
    return monitor.watch(
        run,
        Phase.TEST,
        () -> {
          SafetyTestReport report =
              patience.safetyServer().call("start the safety test", () -> tester.start(order));
          Run tested = recordTest(job, run, report);
          while (report.state() == SafetyTestReport.State.RUNNING) {
            String testId = report.testId();
            report =
                patience
                    .safetyServer()
                    .call("wait for the safety test", () -> tester.await(run.tenant(), testId));
            tested = recordTest(job, tested, report);
          }
          return records.change(job, tested, Run::pausedIfAsked);
        });
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
      case Decision.TestFailed(String reason) ->
          records.change(job, run, stored -> stored.testFailed(reason));
      case Decision.NoSolutionFound(String reason) ->
          records.end(job, run, RunState.NO_SOLUTION_FOUND, reason);
      case Decision.Hold(String reason) -> records.end(job, run, RunState.HELD, reason);
      case Decision.Promote(String certificateId) ->
          switch (promoted(job, run, candidate, certificateId)) {
            case Promoter.Outcome.Promoted() -> records.end(job, run, RunState.PROMOTED, "");
            case Promoter.Outcome.Refused(String reason) ->
                records.end(job, run, RunState.REFUSED, reason);
          };
    };
  }

  private Promoter.Outcome promoted(
      Job job, Run run, PinnedVersion candidate, String certificateId) {
    Promotion promotion = promotion(run, job.spec().alias(), candidate, certificateId);
    Promoter promoter = new Promoter(versions);
    return monitor.watch(
        run,
        Phase.PROMOTE,
        () ->
            patience
                .policyServer()
                .call("promote " + candidate, () -> promoter.promote(promotion)));
  }

  /** The promotion of a run's candidate; the same however often it is asked for. */
  static Promotion promotion(Run run, String alias, PinnedVersion candidate, String certificateId) {
    return new Promotion(
        run.tenant(), run.runId() + "-promote", alias, run.base(), candidate, certificateId);
  }
}
