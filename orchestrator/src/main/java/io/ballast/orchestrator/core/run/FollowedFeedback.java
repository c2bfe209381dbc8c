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
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * What people say of suggestions while a run learns. An iteration takes the next P that said yes or
 * no; where the stream stands after them is stored with the iteration, in its transaction. So each
 * is learned from exactly once, and an iteration that a crash lost takes the same ones again.
 */
final class FollowedFeedback {
  private final FeedbackStream stream;
  private final Patience patience;
  private final LongSupplier nanoTime;

  /**
   * @param patience with the policy-server
   */
  FollowedFeedback(FeedbackStream stream, Patience patience, LongSupplier nanoTime) {
    this.stream = stream;
    this.patience = patience;
    this.nanoTime = nanoTime;
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
        new Collector(
            cursor.stream(),
            spec.rollout().promptsPerIteration(),
            new RowCollector(spec.promptsKey(0), job.apart(), tokens));
    read(run.tenant(), wait(spec), collector);
    int taken = collector.rows.prompts().size();
    ReadSource read = collector.rows.read(before.name(), Long.MAX_VALUE);
    if (collector.wants()) {
      return new Next.TooLittle(
          "prompts.feedback: %,d new suggestions that somebody said yes or no to (an iteration takes %,d)%s"
              .formatted(
                  taken,
                  spec.rollout().promptsPerIteration(),
                  read.badCount() == 0 ? "" : "; beside them " + read.badRows()));
    }
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

  /**
   * Reads until there is enough or {@code wait} is over, however often a connection is lost on the
   * way: what was taken stays taken. An outage is another matter, and takes the patience of any
   * call.
   */
  private void read(String tenant, Duration wait, Collector collector) {
    long end = nanoTime.getAsLong() + wait.toNanos();
    do {
      patience.run(
          "read feedback",
          () -> stream.read(tenant, collector.at.position(), left(end), collector::take));
    } while (collector.wants() && left(end).isPositive());
  }

  private Duration left(long end) {
    return Duration.ofNanos(Math.max(0, end - nanoTime.getAsLong()));
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
      return wants();
    }

    private boolean wants() {
      return rows.prompts().size() < wanted;
    }
  }
}
