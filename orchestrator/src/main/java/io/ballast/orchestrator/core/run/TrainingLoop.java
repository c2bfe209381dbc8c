package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.PinnedVersion;
import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.PolicyVersions.Promotion;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.promotion.Decision;
import io.ballast.orchestrator.core.promotion.Promoter;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.stats.PolicyVitals;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * A run from where it stands to its end: sample → score → judge → advantage → update, again and
 * again; then test → promote.
 *
 * <p>Everything before the commit of an iteration can be done again with the same outcome: weights
 * come from the last checkpoint, prompts and seeds from the spec and the iteration. A checkpoint is
 * written before the commit that names it, older ones are deleted after. So a crash anywhere loses
 * at most the iteration under way, and no sample counts twice.
 */
public final class TrainingLoop {
  private static final int TEST_SEED = 2;
  private static final int ROLLOUTS_KEPT = 2;

  /** The other servers. */
  public record Peers(
      RolloutSource rollouts,
      RewardOracle rewards,
      CostOracle costs,
      PolicyVersions versions,
      SafetyTester tester) {}

  /** Where weights come from and go. */
  public record Weights(TraineeLoader loader, WeightsStore store, RolloutFolders rollouts) {}

  /** Time, and threads that may block. */
  public record Surroundings(InstantSource clock, LongSupplier nanoTime, Executor executor) {}

  private final RunStore store;
  private final Function<String, RunSpec> specs;
  private final Peers peers;
  private final Weights weights;
  private final Patiences patience;
  private final Surroundings surroundings;
  private final RunMonitor monitor;
  private final Judging judging;
  private final int maxTokensPerPass;

  /**
   * @param specs reads a spec
   * @param maxTokensPerPass bounds the memory of a forward and backward pass, ≥ 1
   */
  public TrainingLoop(
      RunStore store,
      Function<String, RunSpec> specs,
      Peers peers,
      Weights weights,
      Patiences patience,
      Surroundings surroundings,
      RunMonitor monitor,
      int maxTokensPerPass) {
    this.store = store;
    this.specs = specs;
    this.peers = peers;
    this.weights = weights;
    this.patience = patience;
    this.surroundings = surroundings;
    this.monitor = monitor;
    this.judging = new Judging(peers.rewards(), peers.costs(), patience, surroundings.executor());
    this.maxTokensPerPass = maxTokensPerPass;
  }

  /**
   * Runs until the run has ended, is paused, or is no longer this worker's.
   *
   * @param taken as the worker took it up
   * @return the run as it is then
   * @throws RunLostException if it is no longer this worker's
   * @throws io.ballast.kit.error.MeshException what stopped it
   */
  Run run(Run taken) {
    Job job = new Job(taken);
    Run run = taken;
    if (run.state() == RunState.LEARNING) {
      run = learn(job, run);
    }
    if (run.state() == RunState.TESTING) {
      run = test(job, run);
    }
    if (run.state() == RunState.TESTING) {
      run = promote(job, run);
    }
    return run;
  }

  /** A run with what does not change while a worker has it. */
  private final class Job {
    private final RunSpec spec;
    private final PromptSets prompts;
    private final PromptPlan plan;
    private final long fence;

    private Job(Run run) {
      this.spec = specs.apply(run.spec());
      this.prompts = patience.database().call("read the prompts", () -> store.prompts(run.runId()));
      this.plan =
          new PromptPlan(
              prompts.training().size(), spec.rollout().promptsPerIteration(), spec.seed());
      this.fence = run.progress().fence();
    }
  }

  private Run learn(Job job, Run taken) {
    Run run = taken;
    try (Trainee trainee = open(job, run)) {
      while (run.state() == RunState.LEARNING && !run.learned()) {
        run = iterate(job, run, trainee);
      }
      return run.state() == RunState.LEARNING ? nominate(job, run, trainee) : run;
    } catch (ModelException e) {
      throw Faults.of(e);
    }
  }

  private Trainee open(Job job, Run run) {
    Trainee trainee =
        weights.loader().load(run.base(), OptimizerSettings.ofRate(job.spec.learningRate()));
    int done = run.progress().iterationsDone();
    if (done == 0) {
      return trainee;
    }
    try {
      trainee.restore(weights.store().checkpoint(run.tenant(), run.checkpointName(done)));
      return trainee;
    } catch (RuntimeException | Error e) {
      trainee.close();
      throw e;
    }
  }

  private Run iterate(Job job, Run run, Trainee trainee) {
    int iteration = run.progress().iterationsDone() + 1;
    LoopState before =
        patience.database().call("read its state", () -> store.loopState(run.runId()));

    long start = surroundings.nanoTime().getAsLong();
    PinnedVersion policy =
        monitor.watch(run, Phase.PUBLISH, () -> publishRollout(run, trainee, iteration));
    List<SampledPrompt> sampled =
        monitor.watch(run, Phase.SAMPLE, () -> sample(job, run, policy, iteration));
    long judgeStart = surroundings.nanoTime().getAsLong();
    JudgedRollout judged =
        monitor.watch(run, Phase.JUDGE, () -> judging.judge(run.tenant(), job.spec, sampled));
    long learnStart = surroundings.nanoTime().getAsLong();
    Constraint constraint =
        Constraint.after(
            job.spec.constraint(),
            job.spec.safetyTest().delta(),
            job.prompts.test().size(),
            before,
            judged);
    PolicyUpdate update =
        monitor.watch(
            run,
            Phase.LEARN,
            () -> PolicyUpdate.apply(trainee, job.spec, judged, constraint, maxTokensPerPass));
    long end = surroundings.nanoTime().getAsLong();

    IterationMetrics metrics =
        new IterationMetrics(
            iteration,
            judged.size(),
            judged.droppedCount(),
            mean(judged, JudgedCompletion::reward),
            mean(judged, JudgedCompletion::spread),
            mean(judged, JudgedCompletion::cost),
            boxed(constraint.pessimistic()),
            job.spec.constraint().enabled() ? constraint.lambda() : null,
            update.klNats(),
            update.entropyNats(),
            mean(judged, completion -> completion.completion().tokens().size()),
            update.loss(),
            update.gradientNorm(),
            update.trainServeGapNats(),
            seconds(start, judgeStart),
            seconds(judgeStart, learnStart),
            seconds(learnStart, end),
            surroundings.clock().instant());
    return commit(job, run, trainee, metrics, after(before, judged, constraint, metrics));
  }

  private static LoopState after(
      LoopState before, JudgedRollout judged, Constraint constraint, IterationMetrics metrics) {
    LoopState next =
        before
            .withConstraint(constraint.lambda(), constraint.costs().costs())
            .withCostModel(judged.costModel());
    return before.firstVitals() == null ? next.withFirstVitals(vitals(metrics)) : next;
  }

  /** The weights as they are, where the policy-server finds them. */
  private PinnedVersion publishRollout(Run run, Trainee trainee, int iteration) {
    PinnedVersion version =
        weights
            .store()
            .publish(
                run.rolloutModel(), run.rolloutVersion(iteration), notes(run), trainee::publish);
    register(run, version);
    weights.rollouts().delete(run.rolloutModel(), run.rolloutVersion(iteration - ROLLOUTS_KEPT));
    return version;
  }

  private void register(Run run, PinnedVersion version) {
    patience
        .policyServer()
        .run(
            "register " + version,
            () ->
                peers
                    .versions()
                    .register(run.tenant(), version, run.base().version(), run.runId()));
  }

  private static Map<String, String> notes(Run run) {
    return Map.of(
        "parent_version", run.base().version(),
        "parent_weights_sha256", run.base().weightsSha256(),
        "run_id", run.runId());
  }

  private List<SampledPrompt> sample(Job job, Run run, PinnedVersion policy, int iteration) {
    List<String> prompts =
        job.plan.indices(iteration).stream().map(job.prompts.training()::get).toList();
    RolloutSource.Query query =
        new RolloutSource.Query(
            run.tenant(),
            policy,
            prompts,
            job.spec.rollout().completionsPerPrompt(),
            SamplingOptions.builder()
                .temperature(job.spec.rollout().temperature())
                .maxNewTokens(job.spec.rollout().maxNewTokens())
                .stopStrings(job.spec.rollout().stopStrings())
                .seed(job.plan.samplingSeed(iteration))
                .build(),
            job.spec.rollout().maxPromptTokens());
    return patience
        .policyServer()
        .call("sample from " + policy, () -> peers.rollouts().sample(query));
  }

  /** Checkpoint, then commit, then forget what is older: in this order a crash loses nothing. */
  private Run commit(Job job, Run run, Trainee trainee, IterationMetrics metrics, LoopState state) {
    String checkpoint = run.checkpointName(metrics.iteration());
    PolicyVitals first = state.firstVitals() == null ? vitals(metrics) : state.firstVitals();
    String stop = EarlyStop.reason(job.spec.stop(), first, vitals(metrics));
    Run committed =
        monitor.watch(
            run,
            Phase.COMMIT,
            () -> {
              weights.store().keepCheckpoint(run.tenant(), checkpoint, trainee::checkpoint);
              return patience
                  .database()
                  .call(
                      "record iteration " + metrics.iteration(),
                      () ->
                          store.commit(
                              run.runId(),
                              stored -> stored.heldBy(job.fence).iterated(metrics, stop),
                              metrics,
                              state));
            });
    weights.store().forgetCheckpoints(run.tenant(), run.checkpointPrefix(), checkpoint);
    monitor.iterated(committed, metrics);
    return committed;
  }

  /** Publishes the trained weights as a candidate. */
  private Run nominate(Job job, Run run, Trainee trainee) {
    PinnedVersion candidate =
        weights
            .store()
            .publish(run.base().model(), run.candidateVersion(), notes(run), trainee::publish);
    register(run, candidate);
    return change(job, run, stored -> stored.withCandidate(candidate));
  }

  /** Starts the safety test, or finds the one that was started, and waits for its end. */
  private Run test(Job job, Run run) {
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
            job.spec.constraint().enabled() ? state.costModels() : List.of(),
            job.spec.safetyTest(),
            job.prompts.test(),
            Seeds.derive(job.spec.seed(), TEST_SEED, attempt));
    return monitor.watch(
        run,
        Phase.TEST,
        () -> {
          SafetyTestReport report =
              patience
                  .safetyServer()
                  .call("start the safety test", () -> peers.tester().start(order));
          Run tested = recordTest(job, run, report);
          while (report.state() == SafetyTestReport.State.RUNNING) {
            String testId = report.testId();
            report =
                patience
                    .safetyServer()
                    .call(
                        "wait for the safety test",
                        () -> peers.tester().await(run.tenant(), testId));
            tested = recordTest(job, tested, report);
          }
          return change(job, tested, Run::pausedIfAsked);
        });
  }

  private Run recordTest(Job job, Run run, SafetyTestReport report) {
    return change(job, run, stored -> stored.withTest(report));
  }

  /** What follows from the test. */
  private Run promote(Job job, Run run) {
    SafetyTestReport report = run.progress().test();
    PinnedVersion candidate = run.progress().candidate();
    if (report == null || candidate == null) {
      throw new IllegalStateException("a tested run has a candidate and a test: " + run.runId());
    }
    return switch (Decision.of(job.spec.promotion(), report)) {
      case Decision.Wait() -> run;
      case Decision.TestFailed(String reason) ->
          change(job, run, stored -> stored.testFailed(reason));
      case Decision.NoSolutionFound(String reason) ->
          end(job, run, RunState.NO_SOLUTION_FOUND, reason);
      case Decision.Hold(String reason) -> end(job, run, RunState.HELD, reason);
      case Decision.Promote(String certificateId) ->
          switch (promoted(job, run, candidate, certificateId)) {
            case Promoter.Outcome.Promoted() -> end(job, run, RunState.PROMOTED, "");
            case Promoter.Outcome.Refused(String reason) -> end(job, run, RunState.REFUSED, reason);
          };
    };
  }

  private Promoter.Outcome promoted(
      Job job, Run run, PinnedVersion candidate, String certificateId) {
    Promotion promotion = promotion(run, job.spec, candidate, certificateId);
    Promoter promoter = new Promoter(peers.versions());
    return monitor.watch(
        run,
        Phase.PROMOTE,
        () ->
            patience
                .policyServer()
                .call("promote " + candidate, () -> promoter.promote(promotion)));
  }

  /** The promotion of a run's candidate; the same however often it is asked for. */
  static Promotion promotion(Run run, RunSpec spec, PinnedVersion candidate, String certificateId) {
    return new Promotion(
        run.tenant(), run.runId() + "-promote", spec.alias(), run.base(), candidate, certificateId);
  }

  private Run end(Job job, Run run, RunState how, String reason) {
    return change(job, run, stored -> stored.ended(how, reason, surroundings.clock().instant()));
  }

  private Run change(Job job, Run run, Function<Run, Run> change) {
    return patience
        .database()
        .call(
            "record its state",
            () -> store.change(run.runId(), stored -> change.apply(stored.heldBy(job.fence))));
  }

  private static PolicyVitals vitals(IterationMetrics metrics) {
    return new PolicyVitals(
        metrics.klNats(),
        metrics.meanSpread(),
        Math.max(0, metrics.entropyNats()),
        metrics.meanCompletionTokens(),
        0);
  }

  private static double mean(JudgedRollout rollout, ToDoubleFunction<JudgedCompletion> number) {
    return rollout.completions().mapToDouble(number).average().orElseThrow();
  }

  private static @Nullable Double boxed(OptionalDouble number) {
    return number.isPresent() ? number.getAsDouble() : null;
  }

  private static double seconds(long from, long to) {
    return (to - from) / 1e9;
  }
}
