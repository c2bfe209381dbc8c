package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.data.RowNotes;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestSpecs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** What people say is waited for until one deadline, whatever becomes of connections meanwhile. */
class FollowedFeedbackTest {
  private static final Duration WAIT = Duration.ofHours(2);
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final String TEXT =
      TestSpecs.onData(
          "waits", "{feedback: {follow: true, wait: PT2H}}", "algorithm: KTO\nsource: DATA\n");
  private static final RunSpec SPEC = new SpecParser().apply(TEXT);

  private final TestClock clock = new TestClock();
  private final List<Duration> waits = new ArrayList<>();
  private final List<String> cursors = new ArrayList<>();
  private final Patience patience =
      new Patience(
          new Patience.Limits(PATIENCE, Duration.ofSeconds(1), Duration.ofSeconds(20)),
          new RetryBudget(100, 0.1),
          clock::advance,
          clock::nanoTime,
          new Random(1));

  private static Run run() {
    return new Run(
        "0a1b2c3d-0000-4000-8000-000000000000",
        "default",
        "waits",
        TEXT,
        new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
        3,
        TestClock.START,
        RunProgress.queued());
  }

  private FollowedFeedback.Next next(FeedbackStream stream) {
    Run run = run();
    PromptSets sets =
        new PromptSets(
            List.of(),
            new RowNotes(List.of(), List.of()),
            List.of(ReadSource.of("feedback", 0)),
            GroupedPrompts.alone(List.of("long x", "long y")),
            GroupedPrompts.alone(List.of()));
    return new FollowedFeedback(stream, patience, clock::nanoTime)
        .next(
            Job.of(run, SPEC, sets),
            run,
            new OneWeightTrainee(),
            DataCursor.none(),
            ReadSource.of("feedback", 0));
  }

  private static FeedbackStream.Event liked(int number, String prompt) {
    return new FeedbackStream.Event(
        Integer.toString(number), prompt, "aei", false, Optional.of(true));
  }

  /** What a stream does the n-th time that it is read, from 1. */
  private interface Reading {
    void read(int n, Predicate<FeedbackStream.Event> sink);
  }

  private FeedbackStream stream(Reading reading) {
    return (tenant, cursor, wait, sink) -> {
      cursors.add(cursor);
      waits.add(wait);
      reading.read(cursors.size(), sink);
    };
  }

  @Test
  void aConnectionMayBeLostAsOftenAsItIsAndTheDeadlineStays() {
    // each holds for 11 minutes, far longer than patience with an outage lasts
    FollowedFeedback.Next next =
        next(
            stream(
                (n, sink) -> {
                  if (n == 3) {
                    assertThat(sink.test(liked(7, "int a"))).isTrue();
                  }
                  clock.advance(Duration.ofMinutes(11));
                }));

    assertThat(next)
        .isEqualTo(
            new FollowedFeedback.Next.TooLittle(
                "prompts.feedback: 1 new suggestions that somebody said yes or no to (an iteration takes 2)"));
    assertThat(waits).hasSize(11).isSortedAccordingTo((a, b) -> b.compareTo(a));
    assertThat(waits.getFirst()).isBetween(WAIT.minusSeconds(1), WAIT);
    assertThat(waits.getLast())
        .isBetween(WAIT.minusMinutes(110).minusSeconds(1), WAIT.minusMinutes(110));
    assertThat(cursors.subList(0, 3)).containsOnly("");
    assertThat(cursors.subList(3, 11)).as("what was taken stays taken").containsOnly("7");
  }

  @Test
  void outagesTakeTheirPatienceEachAndTheWaitIsTheirsToo() {
    // away for half a minute four times: together longer than patience with one
    FollowedFeedback.Next next =
        next(
            stream(
                (n, sink) -> {
                  if (n % 2 == 1) {
                    clock.advance(Duration.ofSeconds(30));
                    throw new MeshException(Fault.DEPENDENCY_DOWN, "policy-server: away");
                  }
                  clock.advance(Duration.ofMinutes(20));
                  if (n == 8) {
                    assertThat(sink.test(liked(1, "int a"))).isTrue();
                    assertThat(sink.test(liked(2, "int b"))).isFalse();
                  }
                }));

    assertThat(next)
        .isInstanceOfSatisfying(
            FollowedFeedback.Next.Taken.class,
            taken -> assertThat(taken.followed().prompts()).containsExactly("int a", "int b"));
    assertThat(waits).hasSize(8);
    assertThat(waits.get(7)).isLessThan(WAIT.minusMinutes(60));
  }

  @Test
  void anOutageThatPatienceDoesNotOutlastFailsTheRun() {
    FeedbackStream away =
        stream(
            (_, _) -> {
              throw new MeshException(Fault.DEPENDENCY_DOWN, "policy-server: away");
            });

    assertThatThrownBy(() -> next(away))
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> assertThat(thrown.fault()).isEqualTo(Fault.DEPENDENCY_DOWN))
        .hasMessageContaining("could not read feedback: policy-server: away");
  }

  @Test
  void whatCouldNotBeLearnedFromIsSaidWhereThereIsTooLittle() {
    FollowedFeedback.Next next =
        next(
            stream(
                (n, sink) -> {
                  if (n == 1) {
                    assertThat(
                            sink.test(
                                new FeedbackStream.Event(
                                    "1", "int a", "much too long", false, Optional.of(true))))
                        .isTrue();
                  }
                  clock.advance(WAIT);
                }));

    assertThat(next)
        .isEqualTo(
            new FollowedFeedback.Next.TooLittle(
                "prompts.feedback: 0 new suggestions that somebody said yes or no to (an iteration takes 2);"
                    + " beside them 1 bad row, row 1: chosen: 14 tokens with its end, limit 6, rollout.max_new_tokens"));
  }
}
