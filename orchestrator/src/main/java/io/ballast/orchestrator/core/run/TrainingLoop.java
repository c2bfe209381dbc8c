package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.measure.HarmMeasuring;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.peer.ComponentOracle;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.MeasuredSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.SpecReading;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.GoldScoring;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.core.watch.RewardWatch;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.rl.stats.PolicyVitals;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
  private static final int ROLLOUTS_KEPT = 2;

  /** The other servers. */
  public record Peers(
      RolloutSource rollouts,
      RewardOracle rewards,
      ComponentOracle components,
      CostOracle costs,
      PolicyVersions versions,
      SafetyTester tester) {}

  /** Where weights come from and go. */
  public record Weights(TraineeLoader loader, WeightsStore store, RolloutFolders rollouts) {}

  /** Time, and threads that may block. */
  public record Surroundings(InstantSource clock, LongSupplier nanoTime, Executor executor) {}

  private final RunStore store;
  private final SpecReading specs;
  private final Peers peers;
  private final Weights weights;
  private final Patiences patience;
  private final Surroundings surroundings;
  private final RunMonitor monitor;
  private final Judging judging;
  private final GoldScoring golds;
  private final HarmMeasuring harms;
  private final RunRecords records;
  private final CandidateStage candidates;
  private final int maxTokensPerPass;

  /**
   * @param maxTokensPerPass bounds the memory of a forward and backward pass, ≥ 1
   */
  public TrainingLoop(
      RunStore store,
      SpecReading specs,
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
    this.golds = new GoldScoring(peers.rewards(), patience.gold());
    this.harms = new HarmMeasuring(peers.costs(), peers.components(), patience.gold());
    this.records = new RunRecords(store, patience, surroundings.clock());
    this.candidates =
        new CandidateStage(store, records, peers.versions(), peers.tester(), patience, monitor);
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
    boolean learns = taken.state() == RunState.LEARNING;
    if (learns) {
      requireTheseDefaults(taken);
    }
    Job job = job(taken, learns ? specs.apply(taken.spec()) : specs.learned(taken.spec()));
    Run run = taken;
    if (run.state() == RunState.LEARNING) {
      run = learn(job, run);
    }
    if (run.state() == RunState.TESTING) {
      run = candidates.test(job, run);
    }
    if (run.state() == RunState.TESTING) {
      run = candidates.promote(job, run);
    }
    return run;
  }

  /** Weights that were learned by other defaults would go on by another algorithm. */
  private void requireTheseDefaults(Run run) {
    int version = loopState(run).defaultsVersion();
    if (version != RunSpec.DEFAULTS_VERSION) {
      throw Faults.precondition(
          "run %s began under version %d of the defaults of specs (expected: %d): it cannot learn on as it began; create it anew"
              .formatted(run.runId(), version, RunSpec.DEFAULTS_VERSION));
    }
  }

  private LoopState loopState(Run run) {
    return patience.database().call("read its state", () -> store.loopState(run.runId()));
  }

  private Job job(Run run, RunSpec spec) {
    return Job.of(
        run, spec, patience.database().call("read the prompts", () -> store.prompts(run.runId())));
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
        weights.loader().load(run.base(), OptimizerSettings.ofRate(job.spec().learningRate()));
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
    LoopState before = loopState(run);

    long start = surroundings.nanoTime().getAsLong();
    PinnedVersion policy =
        monitor.watch(run, Phase.PUBLISH, () -> publishRollout(run, trainee, iteration));
    List<SampledPrompt> sampled =
        monitor.watch(run, Phase.SAMPLE, () -> sample(job, run, policy, iteration));
    long judgeStart = surroundings.nanoTime().getAsLong();
    JudgedRollout judged =
        monitor.watch(run, Phase.JUDGE, () -> judging.judge(run.tenant(), job.spec(), sampled));
    OptionalDouble spread = judged.meanSpread();
    if (spread.isEmpty()) {
      job.spec().requireNoSpreadLimit();
    }
    GoldReading gold = gold(job, run, iteration, judged);
    List<MeasuredReading> measured = measured(job, run, iteration, judged);
    long learnStart = surroundings.nanoTime().getAsLong();
    Constraints constraints =
        Constraints.after(job.spec(), before, iteration, job.testSize(), judged);
    PolicyUpdate update =
        monitor.watch(
            run,
            Phase.LEARN,
            () -> PolicyUpdate.apply(trainee, job.spec(), judged, constraints, maxTokensPerPass));
    long end = surroundings.nanoTime().getAsLong();

    double reward = mean(judged, JudgedCompletion::reward);
    RewardWatch.Seen seen =
        RewardWatch.observe(
            job.spec().watch(),
            before.watch(),
            new RewardWatch.Observation(iteration, reward, spread, gold));
    List<ConstraintReading> readings = constraints.readings(judged);
    IterationWatch watch = seen.watch().with(CapAlarms.of(iteration, readings));
    IterationMetrics metrics =
        new IterationMetrics(
            iteration,
            judged.size(),
            judged.droppedCount(),
            reward,
            spread,
            readings,
            measured,
            update.klNats(),
            update.entropyNats(),
            mean(judged, completion -> completion.completion().tokens().size()),
            update.loss(),
            update.gradientNorm(),
            update.trainServeGapNats(),
            watch,
            seconds(start, judgeStart),
            seconds(judgeStart, learnStart),
            seconds(learnStart, end),
            surroundings.clock().instant());
    LoopState after = after(before, judged, constraints, metrics).withWatch(seen.next());
    return commit(job, run, trainee, metrics, after, seen);
  }

  /** Null where nobody asks. */
  private @Nullable GoldReading gold(Job job, Run run, int iteration, JudgedRollout judged) {
    GoldSpec spec = job.spec().watch().gold();
    return spec == null || !spec.due(iteration)
        ? null
        : monitor.watch(
            run,
            Phase.GOLD,
            () -> golds.read(run.tenant(), spec, job.spec().seed(), iteration, judged));
  }

  private List<MeasuredReading> measured(Job job, Run run, int iteration, JudgedRollout judged) {
    List<MeasuredSpec> specs = job.spec().measured();
    return specs.stream().noneMatch(spec -> spec.due(iteration))
        ? List.of()
        : monitor.watch(
            run,
            Phase.MEASURE,
            () -> harms.read(run.tenant(), specs, job.spec().seed(), iteration, judged));
  }

  private static LoopState after(
      LoopState before, JudgedRollout judged, Constraints constraints, IterationMetrics metrics) {
    LoopState next = before.withConstraints(constraints.next()).withCostModels(judged.costModels());
    return before.firstVitals() == null ? next.withFirstVitals(vitals(metrics)) : next;
  }

  /** The weights as they are, where the policy-server finds them. */
  private PinnedVersion publishRollout(Run run, Trainee trainee, int iteration) {
    PinnedVersion version =
        weights
            .store()
            .publish(
                run.rolloutModel(),
                run.rolloutVersion(iteration),
                notes(run, trainee),
                trainee::publish);
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

  private static Map<String, String> notes(Run run, Trainee trainee) {
    return Map.of(
        "parent_version", run.base().version(),
        "parent_weights_sha256", run.base().weightsSha256(),
        "run_id", run.runId(),
        "arithmetic", trainee.arithmetic());
  }

  private List<SampledPrompt> sample(Job job, Run run, PinnedVersion policy, int iteration) {
    List<String> prompts =
        job.plan().indices(iteration).stream().map(job.prompts().training()::get).toList();
    RolloutSource.Query query =
        new RolloutSource.Query(
            run.tenant(),
            policy,
            prompts,
            job.spec().rollout().completionsPerPrompt(),
            SamplingOptions.builder()
                .temperature(job.spec().rollout().temperature())
                .maxNewTokens(job.spec().rollout().maxNewTokens())
                .stopStrings(job.spec().rollout().stopStrings())
                .seed(job.plan().samplingSeed(iteration))
                .build(),
            job.spec().rollout().maxPromptTokens());
    return patience
        .policyServer()
        .call("sample from " + policy, () -> peers.rollouts().sample(query));
  }

  /** Checkpoint, then commit, then forget what is older: in this order a crash loses nothing. */
  private Run commit(
      Job job,
      Run run,
      Trainee trainee,
      IterationMetrics metrics,
      LoopState state,
      RewardWatch.Seen seen) {
    String checkpoint = run.checkpointName(metrics.iteration());
    PolicyVitals first = state.firstVitals() == null ? vitals(metrics) : state.firstVitals();
    String stop =
        Stream.of(EarlyStop.reason(job.spec().stop(), first, vitals(metrics)), seen.stopReason())
            .filter(reason -> !reason.isEmpty())
            .collect(Collectors.joining("; "));
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
                              stored -> stored.heldBy(job.fence()).iterated(metrics, stop),
                              metrics,
                              state));
            });
    Set<String> kept =
        job.spec().watch().action() == WatchAction.STOP
            ? Set.of(checkpoint, run.checkpointName(seen.next().goodIteration()))
            : Set.of(checkpoint);
    weights.store().forgetCheckpoints(run.tenant(), run.checkpointPrefix(), kept);
    monitor.iterated(committed, metrics);
    IterationMetrics before = run.progress().latest();
    metrics.watch().alarms().stream()
        .filter(alarm -> before == null || !before.watch().raised(alarm))
        .filter(alarm -> !alarm.toldOnce() || !alarm.isAmong(run.progress().alarms()))
        .forEach(alarm -> monitor.alarmed(committed, alarm));
    return committed;
  }

  /**
   * Publishes the trained weights as a candidate; after an alarm of the watch, those that were last
   * within its limits.
   */
  private Run nominate(Job job, Run run, Trainee trainee) {
    int iteration = run.progress().iterationsDone();
    if (run.stoppedByTheWatch()) {
      iteration = goodIteration(run);
      if (iteration == 0) {
        return records.end(job, run, RunState.STOPPED, run.progress().earlyStopReason());
      }
      trainee.restore(weights.store().checkpoint(run.tenant(), run.checkpointName(iteration)));
    }
    PinnedVersion candidate =
        weights
            .store()
            .publish(
                run.base().model(), run.candidateVersion(), notes(run, trainee), trainee::publish);
    register(run, candidate);
    int of = iteration;
    return records.change(job, run, stored -> stored.withCandidate(candidate, of));
  }

  private int goodIteration(Run run) {
    WatchState state = loopState(run).watch();
    if (state == null) {
      throw new IllegalStateException("a run that was stopped was watched: " + run.runId());
    }
    return state.goodIteration();
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

  private static double seconds(long from, long to) {
    return (to - from) / 1e9;
  }
}
