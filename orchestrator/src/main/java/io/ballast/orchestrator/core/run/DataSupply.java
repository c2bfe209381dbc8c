package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.rollout.DataTokens;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What iterations learn from, before it is judged: what the policy writes, the labelled rows of
 * files, or what people say while the run learns.
 */
final class DataSupply {
  private final Sampling sampling;
  private final FollowedFeedback feedback;
  private final RunStore store;
  private final Patience database;
  private final RunMonitor monitor;

  DataSupply(
      Sampling sampling,
      FollowedFeedback feedback,
      RunStore store,
      Patience database,
      RunMonitor monitor) {
    this.sampling = sampling;
    this.feedback = feedback;
    this.store = store;
    this.database = database;
    this.monitor = monitor;
  }

  /**
   * Completions of a round.
   *
   * @param rows those of its prompts
   * @param from which these are, and where the next round goes on in the data
   */
  record Drawn(List<SampledPrompt> rows, PromptPlan.Draw from) {}

  /** Draws for {@code round}, at {@code cursor}, from {@code policy} where it is sampled. */
  @FunctionalInterface
  interface Rows {
    Drawn draw(DataCursor cursor, PromptPlan.Round round, PinnedVersion policy);
  }

  /** What there is for the next iteration. */
  sealed interface Next {
    /**
     * Enough.
     *
     * @param rows also for the iterations after it, where they are sampled ahead
     * @param followed what it takes of feedback
     */
    record Ready(Rows rows, Optional<RunStore.Followed> followed) implements Next {}

    /** Too little, and why the run therefore learns no more. */
    record Exhausted(String reason) implements Next {}
  }

  /** What the next iteration of {@code run}, at {@code cursor}, learns from. */
  Next next(Job job, Run run, Trainee trainee, DataCursor cursor) {
    if (job.spec().follows()) {
      return followed(job, run, trainee, cursor);
    }
    return new Next.Ready(
        job.spec().fromData()
            ? (at, round, _) -> labelled(job, trainee, at, round)
            : (at, round, policy) -> sampled(job, run, at, round, policy),
        Optional.empty());
  }

  private Next followed(Job job, Run run, Trainee trainee, DataCursor cursor) {
    ReadSource before =
        database.call("read its sources", () -> store.sources(run.runId())).getFirst();
    return switch (feedback.next(job, run, trainee, cursor, before)) {
      case FollowedFeedback.Next.TooLittle(String reason) -> new Next.Exhausted(reason);
      case FollowedFeedback.Next.Taken taken ->
          new Next.Ready(
              (_, _, _) -> new Drawn(taken.rows(), new PromptPlan.Draw(List.of(), taken.cursor())),
              Optional.of(taken.followed()));
    };
  }

  private Drawn sampled(
      Job job, Run run, DataCursor cursor, PromptPlan.Round round, PinnedVersion policy) {
    PromptPlan.Draw drawn = job.draw(cursor, round);
    List<String> prompts = job.prompts(drawn);
    return new Drawn(
        prompts.isEmpty()
            ? List.of()
            : monitor.watch(
                run,
                Phase.SAMPLE,
                round.iteration(),
                () -> sampling.sample(job, run, policy, round, prompts)),
        drawn);
  }

  /** In the form of what is sampled. */
  private static Drawn labelled(
      Job job, Trainee trainee, DataCursor cursor, PromptPlan.Round round) {
    PromptPlan.Draw drawn = job.draw(cursor, round);
    DataTokens tokens = Job.tokens(job.spec(), trainee.tokenizer());
    List<String> prompts = job.prompts(drawn);
    List<Labels> labels = job.labels(drawn);
    List<SampledPrompt> rows = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      rows.add(tokens.row(prompts.get(i), labels.get(i), trainee.shape().contextTokens()));
    }
    return new Drawn(rows, drawn);
  }
}
