package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.measure.HarmMeasuring;
import io.ballast.orchestrator.core.measure.HeldOutScoring;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.peer.ComponentOracle;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.MeasuredSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.SpecReading;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.GoldScoring;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.core.watch.RewardWatch;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Executor;
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
  /** The other servers. */
  public record Peers(
      RolloutSource rollouts,
      RewardOracle rewards,
      ComponentOracle components,
      CostOracle costs,
      PolicyVersions versions,
      SafetyTester tester,
      FeedbackStream feedback) {}

  /** Where weights come from and go, and samples that made none. */
  public record Weights(
      TraineeLoader loader, WeightsStore store, RolloutFolders rollouts, SkippedSamples skipped) {}

  /** Time, and threads that may block. */
  public record Surroundings(InstantSource clock, LongSupplier nanoTime, Executor executor) {}

  private final RunStore store;
  private final SpecReading specs;
  private final Weights weights;
  private final Patiences patience;
  private final Surroundings surroundings;
  private final RunMonitor monitor;
  private final DataSupply supply;
  private final RunRecords records;
  private final SamplingRounds rounds;
  private final GoldScoring golds;
  private final HarmMeasuring harms;
  private final PublishedWeights published;
  private final SkippedUpdates skipped;
  private final IterationEnd end;
  private final Nomination nomination;
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
    this.weights = weights;
    this.patience = patience;
    this.surroundings = surroundings;
    this.monitor = monitor;
    this.supply =
        new DataSupply(
            new Sampling(peers.rollouts(), patience),
            new FollowedFeedback(
                peers.feedback(), patience.policyServer(), surroundings.nanoTime()),
            store,
            patience.database(),
            monitor);
    this.rounds =
        new SamplingRounds(
            new Judging(peers.rewards(), peers.costs(), patience, surroundings.executor()),
            monitor,
            surroundings.nanoTime());
    this.golds = new GoldScoring(peers.rewards(), patience.gold());
    this.harms = new HarmMeasuring(peers.costs(), peers.components(), patience.gold());
    this.published =
        new PublishedWeights(
            weights.store(), weights.rollouts(), peers.versions(), patience.policyServer());
    this.skipped = new SkippedUpdates(store, patience.database(), weights.skipped());
    this.records = new RunRecords(store, patience, surroundings.clock());
    this.nomination =
        new Nomination(store, weights.store(), published, records, patience.database());
    this.end =
        new IterationEnd(
            new HeldOut(
                new HeldOutScoring(
                    peers.rollouts(),
                    peers.rewards(),
                    patience.policyServer(),
                    patience.rewardServer()),
                published,
                monitor),
            new IterationCommit(store, weights.store(), patience.database(), monitor));
    this.candidates =
        new CandidateStage(
            store,
            records,
            peers.versions(),
            peers.tester(),
            new RunCertificates(peers.tester(), specs),
            patience,
            monitor);
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
    PromptSets prompts =
        patience.database().call("read the prompts", () -> store.prompts(run.runId()));
    monitor.learnsFrom(run, prompts.sources());
    return Job.of(run, spec, prompts);
  }

  private Run learn(Job job, Run taken) {
    Run run = taken;
    LapTimer timer = new LapTimer(surroundings.nanoTime());
    try (Trainee trainee = open(job, run);
        RolloutAhead ahead = ahead(job, run)) {
      while (run.state() == RunState.LEARNING && !run.learned()) {
        run = iterate(job, run, trainee, ahead, timer);
      }
      return run.state() == RunState.LEARNING
          ? nomination.nominate(job, run, loopState(run), trainee)
          : run;
    } catch (ModelException e) {
      throw Faults.of(e);
    }
  }

  private Trainee open(Job job, Run run) {
    Trainee trainee = weights.loader().load(run.base(), job.spec().traineeOptions());
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

  private RolloutAhead ahead(Job job, Run run) {
    return new RolloutAhead(
        run, job.spec().rollout().staleness(), published::find, surroundings.executor());
  }

  private Run iterate(Job job, Run run, Trainee trainee, RolloutAhead ahead, LapTimer timer) {
    LoopState before = loopState(run);
    return switch (supply.next(job, run, trainee, before.cursor())) {
      case DataSupply.Next.Exhausted(String reason) ->
          records.change(job, run, stored -> stored.learnedAll(reason));
      case DataSupply.Next.Ready ready -> iterate(job, run, trainee, ahead, timer, before, ready);
    };
  }

  private Run iterate(
      Job job,
      Run run,
      Trainee trainee,
      RolloutAhead ahead,
      LapTimer timer,
      LoopState before,
      DataSupply.Next.Ready data) {
    int iteration = run.progress().iterationsDone() + 1;
    int staleness = job.spec().rollout().staleness();
    long start = surroundings.nanoTime().getAsLong();
    PinnedVersion policy =
        job.sampled()
            ? monitor.watch(
                run, Phase.PUBLISH, () -> published.rollout(run, trainee, iteration, staleness))
            : run.base();
    double publishSeconds = seconds(start, surroundings.nanoTime().getAsLong());
    RolloutAhead.Rollout rollout =
        ahead.next(
            iteration,
            policy,
            before.cursor(),
            (i, weights, cursor, sampled) ->
                rounds.roll(job, run, data.rows(), cursor, i, weights, sampled));
    JudgedRollout judged = rollout.judged();
    long goldStart = surroundings.nanoTime().getAsLong();
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
            () ->
                skipped.kept(
                    run,
                    iteration,
                    PolicyUpdate.apply(
                        trainee,
                        job.spec(),
                        iteration,
                        judged,
                        constraints,
                        before.recipe(),
                        maxTokensPerPass,
                        job.textTerm())));
    long learnEnd = surroundings.nanoTime().getAsLong();
    monitor.updated(run, update.learning());
    skipped.requireSeldom(run, iteration, update.learning());

    RewardWatch.Seen seen =
        RewardWatch.observe(
            job.spec().watch(),
            before.watch(),
            new RewardWatch.Observation(iteration, judged.meanReward(), spread, gold));
    List<ConstraintReading> readings = constraints.readings(judged);
    IterationWatch watch = seen.watch().with(CapAlarms.of(iteration, readings));
    IterationMetrics metrics =
        new IterationMetrics(
            iteration,
            judged.size(),
            judged.droppedCount(),
            rollout.rounds(),
            judged.meanReward(),
            spread,
            readings,
            measured,
            update.watched().klNats(),
            update.watched().entropyNats(),
            mean(judged, completion -> completion.completion().tokens().size()),
            update.learning(),
            update.loss(),
            update.gradientNorm(),
            update.watched().trainServeGapNats(),
            watch,
            null,
            Spent.after(Spent.soFar(run), rollout.sampled(), timer, job.spec().budget()),
            publishSeconds + rollout.sampleSeconds(),
            rollout.judgeSeconds() + seconds(goldStart, learnStart),
            seconds(learnStart, learnEnd),
            surroundings.clock().instant());
    // what a skipped update did not learn from is taken again, where it comes but once
    boolean again = job.spec().follows() && update.learning().outcome() == UpdateOutcome.NOT_FINITE;
    LoopState after =
        after(before, judged, constraints, metrics)
            .withRecipe(update.next())
            .withCursor(again ? before.cursor() : rollout.next())
            .withWatch(seen.next());
    return end.of(
        job, run, trainee, timer, metrics, after, seen, again ? Optional.empty() : data.followed());
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
    return before.firstVitals() == null ? next.withFirstVitals(metrics.vitals()) : next;
  }

  private static double mean(JudgedRollout rollout, ToDoubleFunction<JudgedCompletion> number) {
    return rollout.completions().mapToDouble(number).average().orElseThrow();
  }

  private static double seconds(long from, long to) {
    return (to - from) / 1e9;
  }
}
