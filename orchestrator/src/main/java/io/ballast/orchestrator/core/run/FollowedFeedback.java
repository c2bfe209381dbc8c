package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.rollout.DataTokens;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What people say of suggestions while a run learns. An iteration takes the next P that said yes or
 * no; where the stream stands after them is stored with the iteration, in its transaction. So each
 * is learned from exactly once, and an iteration that a crash lost takes the same ones again.
 */
final class FollowedFeedback {
  private final FeedbackStream stream;
  private final Patience patience;

  /**
   * @param patience with the policy-server
   */
  FollowedFeedback(FeedbackStream stream, Patience patience) {
    this.stream = stream;
    this.patience = patience;
  }

  /** What the stream gave an iteration. */
  sealed interface Next {
    /**
     * Enough.
     *
     * @param rows in the form of what is sampled, shape [P]
     * @param cursor where the next iteration goes on
     * @param followed to be kept with the iteration
     */
    record Taken(List<SampledPrompt> rows, DataCursor cursor, RunStore.Followed followed)
        implements Next {}

    /** Too little, and why the run therefore learns no more. */
    record TooLittle(String reason) implements Next {}
  }

  /**
   * What the iteration at {@code cursor} takes.
   *
   * @param before what was read so far
   */
  Next next(Job job, Run run, Trainee trainee, DataCursor cursor, ReadSource before) {
    RunSpec spec = job.spec();
    DataTokens tokens = Job.tokens(spec, trainee.tokenizer());
    Collector collector =
        patience.call(
            "read feedback",
            () -> {
              Collector fresh =
                  new Collector(
                      cursor.stream(),
                      spec.rollout().promptsPerIteration(),
                      new RowCollector(spec.promptsKey(0), job.apart(), tokens));
              stream.read(run.tenant(), cursor.stream().position(), wait(spec), fresh::take);
              return fresh;
            });
    int taken = collector.rows.prompts().size();
    if (taken < spec.rollout().promptsPerIteration()) {
      return new Next.TooLittle(
          "prompts.feedback: %,d new suggestions that somebody said yes or no to (an iteration takes %,d)"
              .formatted(taken, spec.rollout().promptsPerIteration()));
    }
    ReadSource read = collector.rows.read(before.name(), Long.MAX_VALUE);
    List<BadRow> bad =
        Stream.concat(before.bad().stream(), read.bad().stream())
            .limit(ReadSource.KEPT_BAD_ROWS)
            .toList();
    List<SampledPrompt> rows = new ArrayList<>();
    for (int i = 0; i < taken; i++) {
      rows.add(
          tokens.row(
              collector.rows.prompts().get(i),
              collector.rows.labels().get(i),
              trainee.shape().contextTokens()));
    }
    return new Next.Taken(
        rows,
        cursor.at(collector.at),
        new RunStore.Followed(
            collector.rows.prompts(),
            new ReadSource(
                before.name(), before.count() + taken, before.badCount() + read.badCount(), bad)));
  }

  private static Duration wait(RunSpec spec) {
    return spec.prompts().getFirst().rows() instanceof PromptSource.Followed(Duration patience)
        ? patience
        : Duration.ZERO;
  }

  /** Takes events until there are enough rows. */
  private static final class Collector {
    private final int wanted;
    private final RowCollector rows;
    private DataCursor.Stream at;

    private Collector(DataCursor.Stream from, int wanted, RowCollector rows) {
      this.at = from;
      this.wanted = wanted;
      this.rows = rows;
    }

    private boolean take(FeedbackStream.Event event) {
      at = new DataCursor.Stream(event.cursor(), at.events() + 1);
      if (!event.completion().isEmpty() && event.cutOff() && event.good().isPresent()) {
        rows.bad(
            new BadRow(
                at.events(),
                "cut off at a limit (expected: a suggestion that the policy ended itself)"));
      } else if (!event.completion().isEmpty()) {
        event
            .good()
            .map(
                good ->
                    good ? new Labels(event.completion(), "") : new Labels("", event.completion()))
            .ifPresent(
                labels -> rows.row(new PromptRow(at.events(), event.prompt(), "", 0, labels)));
      }
      return rows.prompts().size() < wanted;
    }
  }
}
