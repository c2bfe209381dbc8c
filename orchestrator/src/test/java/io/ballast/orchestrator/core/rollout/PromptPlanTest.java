package io.ballast.orchestrator.core.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.data.Curriculum;
import io.ballast.orchestrator.core.data.DataCursor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What an iteration takes is a function of the seed and of how far the run has come. */
class PromptPlanTest {
  private static final PromptPlan MIXED =
      new PromptPlan(
          List.of(
              new PromptPlan.Source(10, 3),
              new PromptPlan.Source(3, 1),
              new PromptPlan.Source(7, 1.5)),
          4,
          7);

  private static List<List<Integer>> draws(PromptPlan plan, int iterations) {
    List<List<Integer>> draws = new ArrayList<>();
    DataCursor cursor = DataCursor.beginning(plan.sources().size());
    for (int i = 1; i <= iterations; i++) {
      PromptPlan.Draw draw = plan.draw(cursor, i);
      draws.add(draw.indices());
      cursor = draw.next();
    }
    return draws;
  }

  @Test
  void aPassTakesEveryPromptOnceAndTheNextInAnotherOrder() {
    PromptPlan plan = new PromptPlan(List.of(new PromptPlan.Source(6, 1)), 2, 5);

    List<Integer> taken = draws(plan, 6).stream().flatMap(List::stream).toList();

    assertThat(taken.subList(0, 6)).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
    assertThat(taken.subList(6, 12)).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
    assertThat(taken.subList(6, 12)).isNotEqualTo(taken.subList(0, 6));
  }

  @Test
  void whatIsLeftOfAPassAndTooLittleForAnIterationIsLeftOut() {
    PromptPlan plan = new PromptPlan(List.of(new PromptPlan.Source(5, 1)), 2, 5);

    PromptPlan.Draw third = plan.draw(plan.after(2), 3);

    assertThat(plan.after(2).places()).containsExactly(new DataCursor.Place(0, 4, 5, 4));
    assertThat(third.next().places()).containsExactly(new DataCursor.Place(1, 2, 5, 6));
  }

  @Test
  void everySourceGivesItsShareAndNoPromptTwiceInAnIteration() {
    int iterations = 1_000;
    long[] drawn = new long[3];
    for (List<Integer> draw : draws(MIXED, iterations)) {
      assertThat(draw).hasSize(4);
      assertThat(new HashSet<>(draw)).hasSize(4);
      draw.forEach(index -> drawn[index < 10 ? 0 : index < 13 ? 1 : 2]++);
    }

    // weights 3, 1, 1.5 of 5.5: never two prompts away from their share of all 4,000
    double[] weights = {3, 1, 1.5};
    for (int s = 0; s < 3; s++) {
      assertThat((double) drawn[s]).isCloseTo(4.0 * iterations * weights[s] / 5.5, within(2.0));
    }
  }

  @Test
  void aSourceThatIsSmallerThanWhatItLagsBehindGivesAllItHasOnce() {
    PromptPlan plan =
        new PromptPlan(List.of(new PromptPlan.Source(20, 9), new PromptPlan.Source(1, 1)), 10, 3);

    for (List<Integer> draw : draws(plan, 30)) {
      assertThat(draw).doesNotHaveDuplicates().hasSize(10).contains(20);
    }
  }

  @Test
  void whereARunGoesOnTheSameIsDrawn() {
    List<List<Integer>> whole = draws(MIXED, 20);

    for (int done = 0; done < 20; done++) {
      assertThat(MIXED.draw(MIXED.after(done), done + 1).indices()).isEqualTo(whole.get(done));
    }
  }

  /** What the rounds of one iteration take, {@code mosts} at most. */
  private static List<PromptPlan.Draw> rounds(
      PromptPlan plan, DataCursor cursor, int iteration, int... mosts) {
    List<PromptPlan.Draw> draws = new ArrayList<>();
    draws.add(plan.draw(cursor, iteration));
    PromptPlan.Round round = plan.first(iteration);
    for (int most : mosts) {
      round = round.next(draws.getLast().indices(), most);
      draws.add(plan.draw(draws.getLast().next(), round));
    }
    return draws;
  }

  @Test
  void furtherRoundsGoOnInThePassAndTheNextIterationAfterThem() {
    PromptPlan plan = new PromptPlan(List.of(new PromptPlan.Source(8, 1)), 3, 5);
    List<Integer> pass =
        draws(new PromptPlan(plan.sources(), 1, 5), 8).stream().flatMap(List::stream).toList();

    List<PromptPlan.Draw> first = rounds(plan, DataCursor.beginning(1), 1, 2, 1);
    PromptPlan.Draw second = plan.draw(first.getLast().next(), 2);

    assertThat(first)
        .extracting(PromptPlan.Draw::indices)
        .containsExactly(pass.subList(0, 3), pass.subList(3, 5), pass.subList(5, 6));
    assertThat(first.getLast().next().places()).containsExactly(new DataCursor.Place(0, 6, 8, 6));
    assertThat(second.next().places())
        .as("two are left, which is too little for a first round")
        .containsExactly(new DataCursor.Place(1, 3, 8, 9));
  }

  @Test
  void whereAPassEndsWithinAnIterationTheNextPassesOverWhatItHad() {
    PromptPlan plan = new PromptPlan(List.of(new PromptPlan.Source(5, 1)), 2, 5);

    List<PromptPlan.Draw> third = rounds(plan, plan.after(1), 2, 2, 1, 1);

    List<Integer> all = third.stream().flatMap(draw -> draw.indices().stream()).toList();
    assertThat(third.get(1).next().places().getFirst().pass()).isEqualTo(1);
    assertThat(all.subList(0, 5)).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
    assertThat(third.getLast().indices()).as("it has had all").isEmpty();
    assertThat(third.getLast().next()).isEqualTo(third.get(2).next());
    assertThat(third.getLast().next().places().getFirst().drawn()).isEqualTo(7);
  }

  @Test
  void sourcesKeepTheirSharesOverRoundsAndNoPromptComesTwice() {
    DataCursor cursor = DataCursor.beginning(3);
    long[] drawn = new long[3];
    long all = 0;
    for (int i = 1; i <= 500; i++) {
      List<PromptPlan.Draw> rounds = rounds(MIXED, cursor, i, 1 + i % 4, 1 + i % 3);
      cursor = rounds.getLast().next();
      List<Integer> taken = rounds.stream().flatMap(draw -> draw.indices().stream()).toList();
      assertThat(taken).hasSize(4 + 1 + i % 4 + 1 + i % 3).doesNotHaveDuplicates();
      taken.forEach(index -> drawn[index < 10 ? 0 : index < 13 ? 1 : 2]++);
      all += taken.size();
    }

    double[] weights = {3, 1, 1.5};
    for (int s = 0; s < 3; s++) {
      assertThat(cursor.places().get(s).drawn()).isEqualTo(drawn[s]);
      assertThat((double) drawn[s]).isCloseTo(all * weights[s] / 5.5, within(3.0));
    }
  }

  @Test
  void anIterationTakesAllThatThereIsAndNoMore() {
    List<PromptPlan.Draw> rounds = rounds(MIXED, DataCursor.beginning(3), 1, 30, 4);

    assertThat(rounds.get(1).indices()).hasSize(16);
    assertThat(rounds.get(2).indices()).isEmpty();
    assertThat(rounds.stream().flatMap(draw -> draw.indices().stream()))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 20).boxed().toList());
  }

  @Test
  void everyRoundHasASeedOfItsOwnAndTheFirstThatOfItsIteration() {
    Set<Long> seeds = new HashSet<>();
    for (int i = 1; i <= 50; i++) {
      for (int number = 1; number <= 10; number++) {
        seeds.add(MIXED.samplingSeed(new PromptPlan.Round(i, number, 4, Set.of())));
      }
      assertThat(MIXED.samplingSeed(MIXED.first(i))).isEqualTo(MIXED.samplingSeed(i));
    }
    assertThat(seeds).hasSize(500);
  }

  private static PromptPlan climbing(int perIteration, Curriculum curriculum, Double... numbers) {
    return new PromptPlan(
        List.of(new PromptPlan.Source(numbers.length, 1, Ladder.of(List.of(numbers), curriculum))),
        perIteration,
        7);
  }

  @Test
  void whereMoreIsAdmittedAPassOverAllOfItBegins() {
    // limits 1, 2, 3, 3: of the numbers 3, 1, 2, 1 they admit 2, 3, 4 and 4 rows
    PromptPlan plan = climbing(2, new Curriculum("level", 1, 3, 2), 3.0, 1.0, 2.0, 1.0);

    List<PromptPlan.Draw> draws = new ArrayList<>();
    DataCursor cursor = DataCursor.beginning(1);
    for (int i = 1; i <= 4; i++) {
      draws.add(plan.draw(cursor, i));
      cursor = draws.getLast().next();
    }

    assertThat(draws)
        .extracting(draw -> draw.next().places().getFirst())
        .containsExactly(
            new DataCursor.Place(0, 2, 2, 2),
            new DataCursor.Place(1, 2, 3, 4),
            new DataCursor.Place(2, 2, 4, 6),
            new DataCursor.Place(2, 4, 4, 8));
    assertThat(draws.get(0).indices()).containsExactlyInAnyOrder(1, 3);
    assertThat(draws.get(1).indices()).isSubsetOf(1, 2, 3).doesNotHaveDuplicates();
    assertThat(draws.get(2).indices()).doesNotContainAnyElementsOf(draws.get(3).indices());
  }

  @Test
  void noRowIsHarderThanItsIterationAllows() {
    Curriculum curriculum = new Curriculum("level", 10, 90, 40);
    Double[] numbers = new Double[100];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (double) (i * 37 % 100);
    }
    PromptPlan plan = climbing(5, curriculum, numbers);

    List<List<Integer>> draws = draws(plan, 60);

    for (int i = 1; i <= draws.size(); i++) {
      double limit = curriculum.limit(i);
      assertThat(draws.get(i - 1))
          .hasSize(5)
          .doesNotHaveDuplicates()
          .allSatisfy(row -> assertThat(numbers[row]).isLessThanOrEqualTo(limit));
    }
    assertThat(draws.subList(40, 60).stream().flatMap(List::stream).distinct())
        .as("a pass over all 91 rows up to 90, and a bit of the next")
        .hasSizeGreaterThanOrEqualTo(90);
    assertThat(draws(plan, 60)).isEqualTo(draws);
  }

  @Test
  void anotherSeedDrawsOthers() {
    PromptPlan other = new PromptPlan(MIXED.sources(), 4, 8);

    assertThat(draws(other, 5)).isNotEqualTo(draws(MIXED, 5));
  }

  @Test
  void theLeastIsTheShareRoundedUp() {
    assertThat(PromptPlan.least(1, 4, 10)).isEqualTo(3);
    assertThat(PromptPlan.least(1, 1, 32)).isEqualTo(32);
    assertThat(IntStream.of(1, 2, 3).map(w -> PromptPlan.least(w, 6, 6))).containsExactly(1, 2, 3);
  }
}
