package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.Binomials;
import io.ballast.rl.bound.BettingBounds;
import io.ballast.rl.gate.MultipleTest.FixedSequence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is proven of users' decisions rests on how many users there are. */
class GateEvidenceTest {
  private static final double TARGET = .95;
  private static final double ALPHA = .1;
  private static final int TRIALS = 400;
  private static final LearnThenTest RULE =
      new LearnThenTest(TARGET, ALPHA, new FixedSequence(1), LearnThenTest.Aim.MOST_HIDDEN);

  /** One user in seventeen takes nine of ten suggestions, the others none: 5.3 % of users' mean. */
  private static final ToDoubleFunction<SplittableRandom> UNLIKE_EACH_OTHER =
      random -> random.nextInt(17) == 0 ? .9 : 0;

  /** Users resemble each other: about 2 % of what is shown is accepted, which is well below 5 %. */
  private static final ToDoubleFunction<SplittableRandom> ALIKE =
      random -> random.nextDouble(.01, .03);

  @Test
  void decisionsOfUsersTakenAsIndependentBreakThePromise() {
    assertThat(certified(UNLIKE_EACH_OTHER, 80, false))
        .isGreaterThan(2 * Binomials.most(TRIALS, ALPHA));
  }

  @Test
  void usersTakenAsIndependentKeepIt() {
    assertThat(certified(UNLIKE_EACH_OTHER, 80, true))
        .isLessThanOrEqualTo(Binomials.most(TRIALS, ALPHA));
    assertThat(certified(UNLIKE_EACH_OTHER, 250, true))
        .isLessThanOrEqualTo(Binomials.most(TRIALS, ALPHA));
  }

  @Test
  void whatManyUsersRejectIsProven() {
    assertThat(certified(ALIKE, 150, true)).isGreaterThan(TRIALS * 9 / 10);
  }

  /** How often a rule is certified where predictions are noise. */
  private static int certified(
      ToDoubleFunction<SplittableRandom> accepts, int users, boolean byUser) {
    int certified = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      SplittableRandom random = new SplittableRandom(1_000 + trial);
      List<GateExample> fixing = evidence(accepts, 30, byUser, random).examples();
      GateGrid grid =
          GateGrid.of(fixing, new double[] {0, .5}, new double[] {.3, .6}, List.of(true), TARGET);
      certified +=
          RULE.choose(grid, evidence(accepts, users, byUser, random))
                  instanceof CertifiedGate.Certified
              ? 1
              : 0;
    }
    return certified;
  }

  private static GateEvidence evidence(
      ToDoubleFunction<SplittableRandom> accepts,
      int users,
      boolean byUser,
      SplittableRandom random) {
    List<List<GateExample>> groups = new ArrayList<>();
    for (int user = 0; user < users; user++) {
      double own = accepts.applyAsDouble(random);
      groups.add(
          IntStream.range(0, 5 + random.nextInt(30))
              .mapToObj(
                  i ->
                      new GateExample(
                          random.nextDouble(), random.nextDouble(), random.nextDouble() < own))
              .toList());
    }
    return byUser
        ? new GateEvidence.Groups(groups)
        : new GateEvidence.Decisions(groups.stream().flatMap(List::stream).toList());
  }

  @Test
  void aLogThatIsSortedByWhatUsersDidProvesNoMore() {
    // of what is hidden users reject 60 % on average, and those who reject all of it come first
    CascadeRule hides = new CascadeRule(new GateThresholds(0, 0, .1), true);
    int sorted = 0;
    int shuffled = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      SplittableRandom random = new SplittableRandom(50 + trial);
      Map<String, List<GateExample>> byUser = new LinkedHashMap<>();
      for (int user = 0; user < 100; user++) {
        boolean rejects = user < 60;
        byUser.put(
            "u" + user,
            IntStream.range(0, 10)
                .mapToObj(i -> new GateExample(.5, .05, random.nextDouble() < (rejects ? 0 : 1)))
                .toList());
      }
      sorted +=
          new GateEvidence.Groups(List.copyOf(byUser.values())).pValue(hides, .9, ALPHA) <= ALPHA
              ? 1
              : 0;
      shuffled +=
          GateEvidence.Groups.shuffled(byUser, true, trial).pValue(hides, .9, ALPHA) <= ALPHA
              ? 1
              : 0;
    }
    assertThat(sorted).isEqualTo(TRIALS);
    assertThat(shuffled).isLessThanOrEqualTo(Binomials.most(TRIALS, ALPHA));
  }

  @Test
  void theOrderOfALogChangesNothing() {
    Map<String, List<GateExample>> forwards = new LinkedHashMap<>();
    for (int user = 0; user < 40; user++) {
      int accepted = user % 3;
      forwards.put(
          "u" + user,
          IntStream.range(0, 10).mapToObj(i -> new GateExample(.5, .05, i < accepted)).toList());
    }
    Map<String, List<GateExample>> backwards = new LinkedHashMap<>();
    List<String> names = new ArrayList<>(forwards.keySet());
    names.reversed().forEach(name -> backwards.put(name, forwards.getOrDefault(name, List.of())));
    assertThat(GateEvidence.Groups.shuffled(backwards, true, 3))
        .isEqualTo(GateEvidence.Groups.shuffled(forwards, true, 3))
        .isNotEqualTo(GateEvidence.Groups.shuffled(forwards, true, 4));
  }

  @Test
  void usersOfAThinnedLogAreMeasuredAndNothingIsPromisedOfThem() {
    // half of all have 40 hidden and reject 98 %, half one and reject 80 %: 89 % of the average
    // user. A tenth of what is hidden was shown, and whoever has 40 is seldom gone
    CascadeRule hides = new CascadeRule(new GateThresholds(0, 0, .1), true);
    SplittableRandom random = new SplittableRandom(9);
    Map<String, List<GateExample>> left = new LinkedHashMap<>();
    for (int user = 0; user < 400; user++) {
      boolean much = user % 2 == 0;
      for (int i = 0; i < (much ? 40 : 1); i++) {
        if (random.nextDouble() < .1) {
          left.computeIfAbsent("u" + user, name -> new ArrayList<>())
              .add(new GateExample(.5, .05, random.nextDouble() < (much ? .02 : .2)));
        }
      }
    }
    LearnThenTest ninety =
        new LearnThenTest(.9, ALPHA, new FixedSequence(1), LearnThenTest.Aim.MOST_HIDDEN);
    GateGrid grid = new GateGrid(List.of(hides));

    assertThat(ninety.choose(grid, GateEvidence.Groups.shuffled(left, true, 1)))
        .as("taken as all users")
        .isInstanceOf(CertifiedGate.Certified.class);
    assertThat(ninety.choose(grid, GateEvidence.Groups.shuffled(left, false, 1)))
        .isInstanceOfSatisfying(
            CertifiedGate.Measured.class,
            found -> {
              assertThat(found.why()).isEqualTo(CertifiedGate.Measured.Why.THINNED_LOG);
              assertThat(found.served()).isEqualTo(hides);
            });
  }

  @Test
  void fewUsersAreMeasuredAndNothingIsPromisedOfThem() {
    // 5 users, 400 hidden, none accepted: of decisions .95⁴⁰⁰ would be a proof
    List<List<GateExample>> groups = new ArrayList<>();
    for (int user = 0; user < 5; user++) {
      groups.add(IntStream.range(0, 80).mapToObj(i -> new GateExample(.5, .05, false)).toList());
    }
    CascadeRule hides = new CascadeRule(new GateThresholds(0, 0, .1), true);
    GateGrid grid = new GateGrid(List.of(hides));
    GateEvidence.Groups few = new GateEvidence.Groups(groups);

    CertifiedGate.Measured found = (CertifiedGate.Measured) RULE.choose(grid, few);

    assertThat(found.rule()).isEqualTo(hides);
    assertThat(found.served()).isEqualTo(hides);
    assertThat(found.units()).isEqualTo(5);
    assertThat(found.why()).isEqualTo(CertifiedGate.Measured.Why.TOO_FEW_USERS);
    assertThat(found.counts().hidden()).isEqualTo(400);
    assertThat(found.least()).isEqualTo(few.least(TARGET, ALPHA)).isBetween(45, 80);
    CertifiedGate byDecision = RULE.choose(grid, new GateEvidence.Decisions(few.examples()));
    assertThat(byDecision).isInstanceOf(CertifiedGate.Certified.class);
    GateGuarantee declared = ((CertifiedGate.Certified) byDecision).guarantee();
    assertThat(declared.unit()).isEqualTo(GateGuarantee.Unit.DECISION);
    assertThat(declared.units()).isEqualTo(400);
    // of five who take what is shown neither by user nor by decision
    CascadeRule none = new CascadeRule(new GateThresholds(0, 0, 0), true);
    assertThat(RULE.choose(new GateGrid(List.of(none)), few))
        .isEqualTo(new CertifiedGate.Infeasible(5, 1, found.least()));
  }

  @Test
  void theLeastUsersAreEnoughAndOneFewerIsNot() {
    for (double target : new double[] {.8, .9, .95}) {
      int least = users(3, 2, 0).least(target, ALPHA);
      CascadeRule hides = new CascadeRule(new GateThresholds(0, 0, .1), true);
      assertThat(users(least, 2, 0).pValue(hides, target, ALPHA)).isLessThanOrEqualTo(ALPHA);
      assertThat(users(least - 1, 2, 0).pValue(hides, target, ALPHA)).isGreaterThan(ALPHA);
    }
  }

  @Test
  void aUserCountsAlikeHoweverMuchIsHiddenFromThem() {
    // shares ½ and 1, a third user from whom nothing is hidden
    List<List<GateExample>> groups = new ArrayList<>();
    groups.add(List.of(new GateExample(.5, .05, true), new GateExample(.5, .05, false)));
    groups.add(IntStream.range(0, 50).mapToObj(i -> new GateExample(.5, .05, false)).toList());
    groups.add(List.of(new GateExample(.5, .95, true)));
    GateEvidence.Groups evidence = new GateEvidence.Groups(groups);
    CascadeRule hides = new CascadeRule(new GateThresholds(0, 0, .1), true);
    assertThat(evidence.pValue(hides, .4, ALPHA))
        .isEqualTo(BettingBounds.pValue(new double[] {.5, 1}, .4, ALPHA));
    assertThat(evidence.unitsHidden(hides)).isEqualTo(2);
    assertThat(evidence.units()).isEqualTo(3);
    assertThat(evidence.pValue(CascadeRule.open(), .4, ALPHA)).isEqualTo(1);
  }

  @Test
  void oneDecisionOfEachUserIsTestedExactly() {
    // 60 users with one decision each: .9⁶⁰
    GateEvidence.Groups evidence = users(60, 1, 0);
    CascadeRule hides = new CascadeRule(new GateThresholds(0, 0, .1), true);
    assertThat(evidence.pValue(hides, .9, ALPHA)).isCloseTo(Math.pow(.9, 60), within(1e-12));
    assertThat(evidence.least(.9, ALPHA)).isEqualTo(22);
    assertThat(evidence.unit()).isEqualTo(GateGuarantee.Unit.GROUP);
  }

  private static GateEvidence.Groups users(int users, int each, int accepted) {
    return new GateEvidence.Groups(
        IntStream.range(0, users)
            .mapToObj(
                user ->
                    IntStream.range(0, each)
                        .mapToObj(i -> new GateExample(.5, .05, i < accepted))
                        .toList())
            .toList());
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateEvidence.Groups(List.of()))
        .withMessage("groups: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateEvidence.Groups(List.of(List.of())))
        .withMessage("groups[0]: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> users(2, 2, 0).least(1, ALPHA))
        .withMessage("targetAccuracy: 1.0 (expected: above 0, below 1)");
  }
}
