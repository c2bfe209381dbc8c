package io.ballast.training.reward;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.PromptText;
import io.ballast.training.data.Source;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.scoring.HeadTrainer;
import io.ballast.training.scoring.JudgedGroup;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What trains by one objective measures by none. */
class ObjectiveSplitTest {
  private static final int PROMPTS = 100;

  private static RewardPlan plan(SplitBy splitBy) {
    return new RewardPlan(
        2, false, 0, 0, splitBy, SplitRule.tenths(1), 96, 1, HeadTrainer.Options.defaults());
  }

  /** Grades of the same prompts, by users and at times that differ from file to file. */
  private static Objective file(String name, long seed) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    List<Judgement> grades = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      grades.add(grade(i, i % 2, "user" + random.nextInt(20), random.nextInt(1_000_000)));
    }
    return objective(name, grades);
  }

  private static Judgement grade(int prompt, double grade, String user, long second) {
    return new Judgement.Grade(
        new PromptText.Plain("int a" + prompt + " = "),
        prompt + ";",
        grade,
        1,
        new Source(prompt + 1, user, user, Optional.of(Instant.ofEpochSecond(second)), ""));
  }

  private static Objective objective(String name, List<Judgement> grades) {
    return new Objective(
        name, 1, name + ".jsonl", new JudgementData(grades, List.of(), 0, "d-" + name));
  }

  private static List<JudgedTable.Sorted> sort(SplitBy splitBy, Objective... objectives)
      throws UnusableDataException {
    return JudgedTable.sort(
        plan(splitBy), new RewardData.Objectives(List.of(objectives)), Semicolons.TRUNK, false);
  }

  @ParameterizedTest
  @EnumSource(SplitBy.class)
  void aKeyIsOnOneSideInAllFiles(SplitBy splitBy) throws UnusableDataException {
    Map<Object, Part> sides = new HashMap<>();
    Map<Part, Integer> sizes = new HashMap<>();
    for (JudgedTable.Sorted file :
        sort(splitBy, file("love", 1), file("helpful", 2), file("cost", 3))) {
      for (JudgedGroup group : file.groups()) {
        Part side = file.sides().apply(group.key());
        Object apart =
            switch (splitBy) {
              case PROMPT, TIME -> group.prompt();
              case USER, ANNOTATOR -> group.key();
            };
        assertThat(sides.computeIfAbsent(apart, first -> side)).as("%s", apart).isEqualTo(side);
        sizes.merge(side, 1, Integer::sum);
      }
    }
    assertThat(sizes).containsOnlyKeys(Part.values());
  }

  @Test
  void aPromptStandsWhereItsLastJudgementInAnyFileDoes() throws UnusableDataException {
    List<Judgement> early = new ArrayList<>();
    List<Judgement> late = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      early.add(grade(i, i % 2, "", i));
      late.add(grade(i, i % 2, "", i < 10 ? 1_000 + i : i)); // the first ten again, last of all
    }
    List<JudgedTable.Sorted> files =
        sort(SplitBy.TIME, objective("early", early), objective("late", late));
    for (JudgedTable.Sorted file : files) {
      List<TokenIds> measured =
          file.groups().stream()
              .filter(group -> file.sides().apply(group.key()) == Part.TEST)
              .map(JudgedGroup::prompt)
              .toList();
      assertThat(measured)
          .containsExactlyElementsOf(
              file.groups().subList(0, 10).stream().map(JudgedGroup::prompt).toList());
    }
  }

  @Test
  void oneObjectiveIsSplitAsItsFileAlone() throws UnusableDataException {
    Objective love = file("love", 1);
    JudgedTable.Sorted several = sort(SplitBy.TIME, love).getFirst();
    JudgedTable.Sorted alone =
        JudgedTable.sort(plan(SplitBy.TIME), love.judgements(), Semicolons.TRUNK, false);
    assertThat(several.groups()).isEqualTo(alone.groups());
    for (JudgedGroup group : alone.groups()) {
      assertThat(several.sides().apply(group.key())).isEqualTo(alone.sides().apply(group.key()));
    }
  }
}
