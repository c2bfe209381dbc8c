package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Samples and judges for one iteration: in one round, or, where the recipe leaves groups without a
 * signal out, in as many as it takes until P groups have one. Each round after the first samples as
 * many further prompts as groups are missing, so that no group with a signal is left over. It ends
 * short of P where the recipe's rounds are used up, or the iteration has had all prompts.
 *
 * <p>What is told of an iteration, its costs foremost, is of all that was sampled in it: those of
 * the groups with a signal alone would say of the policy what holds where it is unsure.
 *
 * <p>Source: dynamic sampling of Yu et al. 2025, DAPO, arXiv:2503.14476 §3.2, which samples whole
 * batches of prompts and drops what is left over.
 */
final class SamplingRounds {
  private final Judging judging;
  private final RunMonitor monitor;
  private final LongSupplier nanoTime;

  SamplingRounds(Judging judging, RunMonitor monitor, LongSupplier nanoTime) {
    this.judging = judging;
    this.monitor = monitor;
    this.nanoTime = nanoTime;
  }

  /**
   * The completions of {@code iteration}, whose data begins at {@code cursor}.
   *
   * @param last told where it ends there, before its last round is judged if that is known to be
   *     the last
   */
  RolloutAhead.Rollout roll(
      Job job,
      Run run,
      DataSupply.Rows rows,
      DataCursor cursor,
      int iteration,
      PinnedVersion policy,
      Consumer<DataCursor> last) {
    RunSpec spec = job.spec();
    int wanted = spec.rollout().promptsPerIteration();
    List<SampledPrompt> sampled = new ArrayList<>();
    JudgedRollout judged = JudgedRollout.NONE;
    DataCursor next = cursor;
    PromptPlan.Round round = job.plan().first(iteration);
    RoundsReading reading = null;
    double sampleSeconds = 0;
    double judgeSeconds = 0;
    while (true) {
      long start = nanoTime.getAsLong();
      DataSupply.Drawn drawn = rows.draw(next, round, policy);
      if (drawn.rows().isEmpty() && round.number() > 1) {
        break; // the iteration has had all prompts
      }
      next = drawn.from().next();
      if (!spec.recipe().selectsByGroup() || round.number() == spec.recipe().maxRounds()) {
        last.accept(next);
      }
      long judgeStart = nanoTime.getAsLong();
      JudgedRollout earlier = judged;
      judged =
          monitor.watch(
              run,
              Phase.JUDGE,
              iteration,
              () -> judging.judge(run.tenant(), spec, drawn.rows(), earlier));
      sampleSeconds += seconds(start, judgeStart);
      judgeSeconds += seconds(judgeStart, nanoTime.getAsLong());
      sampled.addAll(drawn.rows());
      reading = reading(spec, round.number(), sampled.size(), judged);
      int missing = reading == null ? 0 : wanted - reading.keptGroupsCount();
      if (missing <= 0 || round.number() == spec.recipe().maxRounds()) {
        break;
      }
      round = round.next(drawn.from().indices(), missing);
    }
    monitor.judged(run, iteration, judged);
    return new RolloutAhead.Rollout(sampled, judged, reading, sampleSeconds, judgeSeconds, next);
  }

  /** Null where the groups do not say themselves whether they have a signal. */
  private static @Nullable RoundsReading reading(
      RunSpec spec, int rounds, int sampled, JudgedRollout judged) {
    if (!spec.recipe().selectsByGroup()) {
      return null;
    }
    Constraints prices = Constraints.fixed(spec);
    long kept =
        judged.groups().stream().filter(each -> JudgedSamples.signal(each, spec, prices)).count();
    return new RoundsReading(rounds, sampled, (int) kept);
  }

  private static double seconds(long from, long to) {
    return (to - from) / 1e9;
  }
}
