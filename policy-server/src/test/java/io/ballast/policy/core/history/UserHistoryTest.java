package io.ballast.policy.core.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.core.history.PastOutcomes.Past;
import io.ballast.policy.core.history.ShownSuggestion.Outcome;
import io.ballast.policy.testing.TestClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A user's history is at hand without waiting, bounded, and as the log has it. */
class UserHistoryTest {
  private static final Duration REFRESH = Duration.ofMinutes(1);

  private final TestClock clock = new TestClock();
  private final Queue<Runnable> background = new ArrayDeque<>();
  private final List<String> asked = new ArrayList<>();
  private final UserHistory history =
      new UserHistory(this::latest, background::add, clock, 2, REFRESH);
  private List<ShownSuggestion> log = List.of();
  private boolean away;

  private List<ShownSuggestion> latest(String tenant, String user, int limit) {
    asked.add(user);
    if (away) {
      throw new IllegalStateException("away");
    }
    return log.stream().limit(limit).toList();
  }

  @Test
  void ofNobodyInParticularNothingIsKnownOrAsked() {
    assertThat(history.of("t", "")).isEmpty();
    assertThat(background).isEmpty();
  }

  @Test
  void whatIsNotAtHandIsNotWaitedForAndThenThere() {
    log = List.of(shown(1, 30, 12, Outcome.ACCEPTED));

    assertThat(history.of("t", "ada")).isEmpty();
    assertThat(history.of("t", "ada")).isEmpty();
    runBackground();

    assertThat(asked).containsExactly("ada");
    assertThat(history.of("t", "ada"))
        .contains(
            new PastOutcomes(
                List.of(new Past(Outcome.ACCEPTED, Duration.ofSeconds(30))),
                1,
                1,
                OptionalInt.of(12)));
    assertThat(background).isEmpty();
  }

  @Test
  void aClockThatIsSetBackKeepsNoHistoryForLonger() {
    known("ada");
    clock.advance(Duration.ofDays(-1));

    assertThat(history.of("t", "ada")).isPresent();
    runBackground();
    assertThat(history.of("t", "ada")).isPresent();

    assertThat(asked).as("once more, and then it counts again").containsExactly("ada", "ada");
    assertThat(background).isEmpty();
  }

  @Test
  void aNewUserHasAnEmptyHistory() {
    assertThat(known("ada")).isEqualTo(new PastOutcomes(List.of(), 0, 0, OptionalInt.empty()));
  }

  @Test
  void fiveAreToldAndTwentyCounted() {
    List<ShownSuggestion> many = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      // every third is not answered; of the 20 answered the even ones are accepted, edited or not
      Outcome outcome =
          i % 4 == 1 ? Outcome.REJECTED : i % 4 == 2 ? Outcome.EDITED : Outcome.ACCEPTED;
      many.add(
          i % 3 == 0
              ? new ShownSuggestion(id(i), clock.instant(), 7, Optional.empty())
              : shown(i, i, 9, outcome));
    }
    log = many;

    PastOutcomes past = known("ada");

    assertThat(past.previousCharacters()).hasValue(7);
    assertThat(past.answered()).isEqualTo(20);
    // rejected and answered: 1, 5, 13, 17, 25, 29
    assertThat(past.accepted()).isEqualTo(14);
    assertThat(past.latest())
        .containsExactly(
            new Past(Outcome.REJECTED, Duration.ofSeconds(1)),
            new Past(Outcome.EDITED, Duration.ofSeconds(2)),
            new Past(Outcome.ACCEPTED, Duration.ofSeconds(4)),
            new Past(Outcome.REJECTED, Duration.ofSeconds(5)),
            new Past(Outcome.ACCEPTED, Duration.ofSeconds(7)));
  }

  @Test
  void whatIsShownAndAnsweredHereIsKnownAtOnceAndTheLastAnswerCounts() {
    known("ada");

    history.shown("t", "ada", shown(1, 0, 5, null));
    history.answered("t", "ada", id(1), Outcome.REJECTED);
    history.answered("t", "ada", id(1), Outcome.EDITED);
    history.answered("t", "bob", id(1), Outcome.REJECTED);

    assertThat(history.of("t", "ada").orElseThrow().latest())
        .containsExactly(new Past(Outcome.EDITED, Duration.ZERO));
    assertThat(history.of("t", "ada").orElseThrow().previousCharacters()).hasValue(5);
    assertThat(asked).containsExactly("ada");
  }

  @Test
  void whatHappensWhileTheLogIsAskedIsNotLostNorCountedTwice() {
    ShownSuggestion both = shown(1, 0, 5, null);
    log = List.of(both);
    assertThat(history.of("t", "ada")).isEmpty();
    history.shown("t", "ada", both);
    history.shown("t", "ada", shown(2, 0, 6, null));
    history.answered("t", "ada", id(1), Outcome.ACCEPTED);

    runBackground();

    PastOutcomes past = history.of("t", "ada").orElseThrow();
    assertThat(past.previousCharacters()).hasValue(6);
    assertThat(past.latest()).containsExactly(new Past(Outcome.ACCEPTED, Duration.ZERO));
  }

  @Test
  void itIsAskedAgainAfterAWhileAndMeanwhileCounts() {
    known("ada");
    log = List.of(shown(1, 0, 5, Outcome.ACCEPTED));
    clock.advance(REFRESH);

    assertThat(history.of("t", "ada").orElseThrow().answered()).isZero();
    runBackground();

    assertThat(history.of("t", "ada").orElseThrow().answered()).isEqualTo(1);
    assertThat(asked).containsExactly("ada", "ada");
  }

  @Test
  void feedbackOnWhatAnotherReplicaShowedLetsTheLogBeAskedAgain() {
    known("ada");
    log = List.of(shown(9, 0, 5, Outcome.ACCEPTED));

    history.answered("t", "ada", id(9), Outcome.ACCEPTED);
    assertThat(history.of("t", "ada").orElseThrow().answered()).isZero();
    runBackground();

    assertThat(history.of("t", "ada").orElseThrow().answered()).isEqualTo(1);
  }

  @Test
  void whoWasAskedAboutLongestAgoIsForgotten() {
    known("ada");
    known("bob");
    known("ada");
    known("eve");

    assertThat(history.of("t", "ada")).isPresent();
    assertThat(history.of("t", "bob")).isEmpty();
  }

  @Test
  void tenantsAreKeptApart() {
    known("ada");
    history.shown("t", "ada", shown(1, 0, 5, null));

    assertThat(history.of("other", "ada")).isEmpty();
  }

  @Test
  void aLogThatIsAwayIsAskedAgain() {
    away = true;
    assertThat(history.of("t", "ada")).isEmpty();
    runBackground();
    away = false;

    assertThat(known("ada").answered()).isZero();
    assertThat(asked).containsExactly("ada", "ada");
  }

  @Test
  void aClockThatIsAheadMakesNoAgeBelowZero() {
    log = List.of(shown(1, -5, 5, Outcome.ACCEPTED));

    assertThat(known("ada").latest()).containsExactly(new Past(Outcome.ACCEPTED, Duration.ZERO));
  }

  @Test
  void noMoreIsKeptThanIsCounted() {
    known("ada");
    for (int i = 0; i < UserHistory.KEPT + 1; i++) {
      history.shown("t", "ada", shown(i, 0, 5, null));
    }

    history.answered("t", "ada", id(0), Outcome.ACCEPTED); // fell out: the log is asked
    assertThat(history.of("t", "ada").orElseThrow().answered()).isZero();
    assertThat(background).hasSize(1);
  }

  private PastOutcomes known(String user) {
    if (history.of("t", user).isEmpty()) {
      runBackground();
    }
    return history.of("t", user).orElseThrow();
  }

  private void runBackground() {
    for (Runnable next = background.poll(); next != null; next = background.poll()) {
      next.run();
    }
  }

  private ShownSuggestion shown(int id, int secondsAgo, int characters, @Nullable Outcome outcome) {
    return new ShownSuggestion(
        id(id), clock.instant().minusSeconds(secondsAgo), characters, Optional.ofNullable(outcome));
  }

  private static UUID id(int number) {
    return new UUID(0, number);
  }
}
