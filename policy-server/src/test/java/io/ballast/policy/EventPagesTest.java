package io.ballast.policy;

import static io.ballast.policy.testing.StoredEvents.TENANT;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.core.feedback.DecisionStore.StoredDecision;
import io.ballast.policy.core.feedback.FeedbackStore.JoinedRecord;
import io.ballast.policy.core.feedback.PageLimit;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.testing.StoredEvents;
import io.ballast.policy.testing.TestDatabase;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A page of a log ends by what it holds, however long the texts, and nothing is lost between. */
class EventPagesTest {
  private static final Instant JUNE_BEGINS = Instant.parse("2019-06-01T00:00:00Z");
  private static final int LONG = 64 << 10;
  private static final int EVENT_BYTES = 1; // of each event of StoredEvents
  private static final PageLimit PAGE = new PageLimit(10, 4 * LONG);

  private final StoredEvents stored = new StoredEvents(TestDatabase.ofItsOwn());
  private final Random random = new Random(5);
  private final List<Payload> texts = new ArrayList<>();

  /** Ten of one byte, nine of 64 KiB, one of five pages, ten of one byte. */
  @BeforeEach
  void shortAndLongTexts() {
    for (int i = 0; i < 30; i++) {
      int bytes = i < 10 || i >= 20 ? 1 : i == 19 ? 20 * LONG : LONG;
      byte[] text = new byte[bytes];
      random.nextBytes(text); // so that the database cannot make it shorter
      texts.add(Payload.of(text));
      UUID id = stored.id(JUNE_BEGINS.plusSeconds(i));
      stored.keep(id, JUNE_BEGINS.plusSeconds(i), texts.getLast());
      stored.accept(id, JUNE_BEGINS.plusSeconds(40), "key " + i);
    }
  }

  @Test
  void trainingRecordsComeInPagesOfSoManyBytesAndOneRecord() {
    List<List<JoinedRecord>> pages =
        pages(
            place -> stored.events.read(TENANT, place, Optional.empty(), PAGE),
            JoinedRecord::position);

    assertThat(pages).extracting(List::size).containsExactly(10, 4, 4, 2, 10);
    requireWithin(pages, each -> (long) each.suggestion().size() + each.event().size());
    requireAll(pages, JoinedRecord::suggestion, JoinedRecord::position);
  }

  @Test
  void soDoDecisions() {
    List<List<StoredDecision>> pages =
        pages(
            place -> stored.decisions.read(Optional.of(TENANT), place, Optional.empty(), PAGE),
            StoredDecision::position);

    assertThat(pages).extracting(List::size).containsExactly(10, 4, 4, 2, 10);
    requireWithin(pages, StoredDecision::bytes);
    requireAll(pages, StoredDecision::suggestion, StoredDecision::position);
    assertThat(pages.get(1).getFirst().bytes())
        .as("with the latest outcome and the latest event")
        .isEqualTo(LONG + 2 * EVENT_BYTES);
  }

  @Test
  void aPageOfFewBytesHoldsOneRecord() {
    assertThat(stored.events.read(TENANT, 10, Optional.empty(), new PageLimit(10, 1))).hasSize(1);
    assertThat(
            stored.decisions.read(Optional.of(TENANT), 0, Optional.empty(), new PageLimit(10, 1)))
        .hasSize(1);
  }

  /** All pages up to the empty one. */
  private static <T> List<List<T>> pages(LongFunction<List<T>> read, ToLongFunction<T> position) {
    List<List<T>> pages = new ArrayList<>();
    List<T> page = read.apply(0);
    while (!page.isEmpty()) {
      pages.add(page);
      page = read.apply(position.applyAsLong(page.getLast()));
    }
    return pages;
  }

  private static <T> void requireWithin(List<List<T>> pages, ToLongFunction<T> bytes) {
    assertThat(pages)
        .allSatisfy(
            page ->
                assertThat(page.subList(0, page.size() - 1).stream().mapToLong(bytes).sum())
                    .as("without the record that filled it")
                    .isLessThan(PAGE.bytes()));
  }

  private <T> void requireAll(
      List<List<T>> pages, Function<T, Payload> text, ToLongFunction<T> position) {
    List<T> all = pages.stream().flatMap(List::stream).toList();
    assertThat(all).extracting(text).isEqualTo(texts);
    assertThat(all).extracting(position::applyAsLong).isSorted().doesNotHaveDuplicates();
  }
}
