package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.LeastSpec.LEAST;
import static io.ballast.orchestrator.core.spec.LeastSpec.read;
import static io.ballast.orchestrator.core.spec.LeastSpec.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.core.data.Curriculum;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.algorithm.SelectorKind;
import io.ballast.rl.algorithm.SourceKind;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where rows come from: several sources, curricula, pairs, ratings and feedback. */
class DataSpecTest {
  private static String of(String prompts, String more) {
    return LEAST.replace("{inline: [a]}", prompts) + more + "\n";
  }

  @Test
  void promptsComeFromSeveralSourcesByTheirWeights() {
    String several =
        LEAST.replace(
            "{inline: [a]}",
            "[{file: a.parquet, column: text, weight: 3, max_bad_rows: 10}, {inline: [a]}, {feedback: {}, weight: 0.5, max_bad_rows: 2}]");

    RunSpec spec = read(several);

    assertThat(spec.prompts())
        .containsExactly(
            new DataSource(new PromptSource.InFile("a.parquet", "text"), 3, 10),
            DataSource.only(new PromptSource.Inline(GroupedPrompts.alone(List.of("a")))),
            new DataSource(new PromptSource.Feedback(10_000), 0.5, 2));
    assertThat(spec.promptsKey(1)).isEqualTo("prompts[1]");
    assertThat(read(LEAST).promptsKey(0)).isEqualTo("prompts");
  }

  @Test
  void onlyFeedbackOfTheRunsOwnTenantCanBeNamed() {
    String feedback = LEAST.replace("{inline: [a]}", "{feedback: {max: 5}}");

    assertThat(read(feedback).prompts())
        .containsExactly(new DataSource(new PromptSource.Feedback(5), 1, Long.MAX_VALUE));
    assertThat(read(feedback.replace("{max: 5}", "{}")).prompts())
        .extracting(DataSource::rows)
        .containsExactly(new PromptSource.Feedback(10_000));
    assertThatThrownBy(() -> read(feedback.replace("max: 5", "tenant: other")))
        .hasMessageStartingWith("prompts.feedback.tenant: unknown key");
  }

  @Test
  void aCurriculumIsOfOneSource() {
    RunSpec spec =
        read(
            of(
                """

                  - {file: a.jsonl, curriculum: {field: level, from: 1, to: 4.5, over: 10}}
                  - {file: b.parquet, column: q}
                """,
                ""));

    assertThat(spec.prompts())
        .containsExactly(
            new DataSource(
                new PromptSource.InFile("a.jsonl", "prompt", PromptSource.Rows.PROMPTS, "level"),
                1,
                0,
                new Curriculum("level", 1, 4.5, 10)),
            new DataSource(new PromptSource.InFile("b.parquet", "q"), 1, 0));
  }

  @Test
  void dpoIsOnPairsOfDataAndHarmHasNoPrice() {
    RunSpec spec = read(of("{pairs: a.jsonl, column: question}", "algorithm: DPO"));

    assertThat(spec.fromData()).isTrue();
    assertThat(spec.recipe().selector()).isEqualTo(SelectorKind.PAIRS_OF_DATA);
    assertThat(spec.prompts().getFirst().rows())
        .isEqualTo(new PromptSource.InFile("a.jsonl", "question", PromptSource.Rows.PAIRS, ""));
    assertThat(spec.rollout().completionsPerPrompt()).isEqualTo(2);
    assertThat(spec.constrained()).isFalse();
    assertThat(spec.stop().maxKl()).isEqualTo(Double.MAX_VALUE);
    assertThat(RunSpecReader.learned(tree(spec)).constrained())
        .as("nor when it is tested: no judge was optimised against")
        .isFalse();
  }

  private static Object tree(RunSpec spec) {
    return java.util.Map.of(
        "name",
        spec.name(),
        "algorithm",
        "DPO",
        "prompts",
        java.util.Map.of("pairs", "a.jsonl"),
        "safety_test",
        java.util.Map.of(
            "threshold", 0.3, "prompts", java.util.Map.of("inline", java.util.List.of("b", "c"))));
  }

  @ParameterizedTest
  @CsvSource({
    "ONLINE_DPO, PAIRS_OF_DATA, DPO",
    "CDPO, PAIRS_OF_DATA, CDPO",
    "RDPO, PAIRS_OF_DATA, RDPO",
    "IPO, PAIRS_OF_DATA, IPO",
    "SLIC_HF, PAIRS_OF_DATA, SLIC",
    "SIMPO, PAIRS_OF_DATA, SIMPO",
    "ORPO, PAIRS_OF_DATA, ORPO",
    "KTO, RATINGS_OF_DATA, KTO"
  })
  void everyPreferenceLossLearnsFromData(
      String algorithm, SelectorKind selector, ObjectiveKind objective) {
    RunSpec spec = read(of("{pairs: a.jsonl}", "algorithm: " + algorithm + "\nsource: DATA"));

    assertThat(spec.recipe().source()).isEqualTo(SourceKind.DATA);
    assertThat(spec.recipe().selector()).isEqualTo(selector);
    assertThat(spec.recipe().loss().kind()).isEqualTo(objective);
  }

  @Test
  void ratingsAndFollowedFeedbackAreLearnedFromByKto() {
    RunSpec ratings = read(of("{ratings: a.jsonl}", "algorithm: KTO\nsource: DATA"));
    RunSpec followed =
        read(
            of(
                "{feedback: {follow: true, wait: PT10M}}",
                "algorithm: KTO\nsource: DATA\nrollout: {max_new_tokens: 24}"));

    assertThat(ratings.rollout().completionsPerPrompt()).isEqualTo(1);
    assertThat(followed.follows()).isTrue();
    assertThat(followed.prompts().getFirst().rows())
        .isEqualTo(new PromptSource.Followed(Duration.ofMinutes(10)));
    assertThat(ratings.follows()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{file: a, curriculum: {from: 1, to: 2, over: 3}} | '' | prompts.curriculum.field: absent",
        "{file: a, curriculum: {field: n, from: 2, to: 1, over: 3}} | '' | prompts.curriculum.to: 1 (expected: a number, at least from)",
        "{file: a, curriculum: {field: n, from: 1, to: 2}} | '' | prompts.curriculum.over: absent (expected: how many iterations the way takes)",
        "{file: a, curriculum: {field: n, from: 1, to: 2, over: 0}} | '' | prompts.curriculum.over: 0 (expected: a whole number, 1 to 100,000)",
        "{file: a, curriculum: {field: n, from: .nan, to: 2, over: 1}} | '' | prompts.curriculum.from: NaN (expected: a number)",
        "{inline: [a], curriculum: {field: n, from: 1, to: 2, over: 1}} | '' | prompts.curriculum: beside no file (expected: none: only rows of a file have a number)",
        "{file: a, pairs: b} | '' | prompts: file and pairs (expected: exactly one of inline, file, pairs, ratings, feedback)",
        "{pairs: a} | algorithm: GRPO | prompts: pairs (expected: file for the prompts alone, or source DATA, as of algorithm DPO)",
        "{file: a} | algorithm: DPO | prompts: no labels (expected: pairs or ratings with source DATA)",
        "{ratings: a} | algorithm: DPO | prompts: ratings (expected: pairs with DPO, which compares two completions of a prompt)",
        "{feedback: {follow: true}} | algorithm: DPO | prompts: feedback (expected: pairs with DPO",
        "'[{pairs: a}, {file: b}]' | algorithm: DPO | prompts[1]: no labels",
        "'[{ratings: a}, {feedback: {follow: true}}]' | 'algorithm: KTO\nsource: DATA' | prompts: 2 sources (expected: one with feedback.follow",
        "{pairs: a} | 'algorithm: PPO\nsource: DATA' | source: DATA (expected: another: the selector would take what is in the data for what the policy in training wrote)",
        "{pairs: a} | 'algorithm: GRPO\nsource: DATA' | advantage: GRPO (expected: another: it needs several completions of each prompt",
        "{pairs: a} | 'algorithm: GRPO\nsource: DATA\nselector: PAIRS_OF_DATA' | advantage: GRPO (expected: another: it needs several completions of each prompt",
        "{pairs: a} | 'algorithm: DAPO\nsource: DATA\nshaping: []' | selector: DYNAMIC_SAMPLING (expected: another: it needs several completions of each prompt, which would be given by source POLICY",
        "{pairs: a} | 'algorithm: XPO\nsource: DATA' | objective.kind: XPO (expected: another: it needs completions of the reference beside the policy's",
        "{pairs: a} | 'algorithm: DPO\nsource: POLICY' | selector: PAIRS_OF_DATA (expected: another: it needs completions that come with a label, which would be given by source DATA)",
        "{pairs: a} | 'algorithm: DPO\nkl: {coefficient: 0.1}' | source: DATA (expected: another: a KL in the loss is of what the policy writes",
        "{pairs: a} | 'algorithm: DPO\nshaping: [HISTORY]' | shaping: HISTORY (expected: another: labels of data are made of no rewards)",
        "{pairs: a} | 'algorithm: DPO\nkl: {stop_at: 1}' | kl.stop_at: beside labelled data",
        "{pairs: a} | 'algorithm: DPO\nstop: {spread_growth: 2}' | stop: beside labelled data",
        "{pairs: a} | 'algorithm: DPO\nwatch: {patience: 1}' | watch: beside labelled data",
        "{pairs: a} | 'algorithm: DPO\nrollout: {completions_per_prompt: 4}' | rollout.completions_per_prompt: beside labelled data (expected: none: nothing is sampled)",
        "{pairs: a} | 'algorithm: DPO\nrollout: {staleness: 1}' | rollout.staleness: beside labelled data",
        "{pairs: a} | 'algorithm: DPO\nconstraint: {enabled: true}' | constraint.enabled: true (expected: false with source DATA: labels have no price of harm",
        "{feedback: {follow: true, max: 5}} | 'algorithm: KTO\nsource: DATA' | prompts.feedback.max: beside follow",
        "{feedback: {wait: PT1M}} | '' | prompts.feedback.wait: beside follow false",
        "{feedback: {follow: true, wait: 10}} | 'algorithm: KTO\nsource: DATA' | prompts.feedback.wait: 10 (expected: a time in ISO 8601",
        "{feedback: {follow: true}} | 'algorithm: KTO\nsource: DATA' | rollout.max_new_tokens: absent (expected: with feedback.follow what suggestions may have at most",
        "{feedback: {follow: true}, max_bad_rows: 1} | 'algorithm: KTO\nsource: DATA' | prompts.max_bad_rows: beside follow"
      })
  void whatDoesNotGoTogetherIsRefusedWithTheReason(String prompts, String more, String message) {
    refused(of(prompts, more), message);
  }
}
