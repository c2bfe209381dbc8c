package io.ballast.policy;

import static io.ballast.policy.testing.StoredEvents.PERSON;
import static io.ballast.policy.testing.StoredEvents.TENANT;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.policy.adapter.PostgresMonths;
import io.ballast.policy.core.feedback.DeletionCommand;
import io.ballast.policy.core.feedback.FeedbackStore.Appended;
import io.ballast.policy.core.feedback.PageLimit;
import io.ballast.policy.testing.StoredEvents;
import io.ballast.policy.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * How PostgreSQL goes about what is asked of a year of months: what is of one suggestion is looked
 * for in its month alone, and all else by an index of each.
 */
class EventPlansTest {
  private static final Instant JANUARY = Instant.parse("2019-01-15T12:00:00Z");
  private static final int MONTHS = 12;
  private static final PageLimit PAGE = new PageLimit(100, 1 << 20);
  private static final Duration MONTH = Duration.ofDays(30);

  /** A step of a plan that was taken, the partition that it looked into, and how often. */
  private static final Pattern LOOK =
      Pattern.compile(
          "Scan[^\\n]* on ((?:suggestion|feedback_event)_(?:\\d{4}_\\d{2}|default))\\b"
              + "[^\\n]*\\(actual[^\\n]* loops=(\\d+)");

  private final TestDatabase database = TestDatabase.ofItsOwn();
  private final List<String> plans = new ArrayList<>();
  private final StoredEvents explained = new StoredEvents(TestDatabase.explaining(plans::add));
  private final List<UUID> suggestions = new ArrayList<>();

  @BeforeEach
  void aYear() {
    PostgresMonths months = new PostgresMonths(database);
    StoredEvents stored = new StoredEvents(database);
    for (int month = 0; month < MONTHS; month++) {
      Instant time = time(month);
      months.make(time);
      suggestions.add(stored.suggest(time));
      stored.accept(suggestions.getLast(), time.plusSeconds(1), "key-" + month);
    }
  }

  @Test
  void anEventLooksIntoTheMonthOfItsSuggestion() {
    assertThat(explained.accept(suggestions.get(5), time(11), "new"))
        .isInstanceOf(Appended.Kept.class);

    assertThat(lookedInto()).containsExactly("suggestion_2019_06");
  }

  @Test
  void aRepetitionLooksThereToo() {
    assertThat(explained.accept(suggestions.get(5), time(11), "key-5"))
        .isInstanceOf(Appended.Repeated.class);

    assertThat(lookedInto()).containsExactly("suggestion_2019_06");
  }

  @Test
  void aSuggestionAndItsEventsAreInOneMonth() {
    assertThat(explained.events.suggestion(TENANT, suggestions.get(2)).orElseThrow().events())
        .hasSize(1);

    assertThat(lookedInto()).containsExactly("suggestion_2019_03", "feedback_event_2019_03");
  }

  @Test
  void trainingRecordsAreReadByIndexesAndEachSuggestionInItsMonth() {
    assertThat(explained.events.read(TENANT, 0, Optional.empty(), PAGE)).hasSize(MONTHS);
    plans.clear(); // all have their positions
    assertThat(explained.events.read(TENANT, 0, Optional.empty(), PAGE)).hasSize(MONTHS);
    assertThat(plans).noneMatch(plan -> plan.contains("Seq Scan"));
    assertThat(looks("suggestion")).as("one for each record").isEqualTo(MONTHS);

    plans.clear();
    assertThat(explained.events.read(TENANT, 0, Optional.of(time(10)), PAGE)).hasSize(2);
    assertThat(plans).noneMatch(plan -> plan.contains("Seq Scan"));
    assertThat(looks("suggestion")).isEqualTo(2);
  }

  @Test
  void decisionsAreReadByIndexesAndTheirFeedbackInTheirMonths() {
    assertThat(explained.decisions.read(Optional.of(TENANT), 0, Optional.empty(), PAGE))
        .hasSize(MONTHS);
    assertThat(explained.decisions.read(Optional.empty(), 0, Optional.of(time(10)), PAGE))
        .hasSize(2);

    assertThat(plans).noneMatch(plan -> plan.contains("Seq Scan"));
  }

  @Test
  void aPersonsHistoryIsReadByAnIndex() {
    assertThat(explained.history.latest(TENANT, PERSON, 3)).hasSize(3);

    assertThat(plans).noneMatch(plan -> plan.contains("Seq Scan"));
    assertThat(lookedInto())
        .filteredOn(partition -> partition.startsWith("feedback_event"))
        .containsExactlyInAnyOrder(
            "feedback_event_2019_10", "feedback_event_2019_11", "feedback_event_2019_12");
  }

  @Test
  void whatIsDeletedIsFoundByIndexes() {
    var named = explained.data.delete(deletion("", List.of(suggestions.get(3))));
    assertThat(lookedInto()).containsExactly("suggestion_2019_04", "feedback_event_2019_04");

    plans.clear();
    assertThat(explained.data.deleteOlder(time(2), 500)).isEqualTo(4);
    var all = explained.data.delete(deletion(PERSON, List.of()));

    assertThat(named.events()).isEqualTo(1);
    assertThat(all.events()).isEqualTo(MONTHS - 3);
    assertThat(plans)
        .noneMatch(plan -> plan.contains("Seq Scan on suggestion"))
        .noneMatch(plan -> plan.contains("Seq Scan on feedback_event"));
  }

  private static DeletionCommand deletion(String user, List<UUID> suggestions) {
    return new DeletionCommand(
        new Caller("request", TENANT, Lane.INTERACTIVE, ""),
        user,
        suggestions,
        "Grace",
        "request 17 of 24 November");
  }

  private static Instant time(int month) {
    return JANUARY.plus(MONTH.multipliedBy(month));
  }

  private List<String> lookedInto() {
    return plans.stream()
        .flatMap(plan -> LOOK.matcher(plan).results())
        .map(look -> look.group(1))
        .distinct()
        .toList();
  }

  /** How often partitions of a table were looked into. */
  private int looks(String table) {
    return plans.stream()
        .flatMap(plan -> LOOK.matcher(plan).results())
        .filter(look -> look.group(1).startsWith(table))
        .mapToInt(look -> Integer.parseInt(look.group(2)))
        .sum();
  }
}
