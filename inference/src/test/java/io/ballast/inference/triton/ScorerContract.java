package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What every runtime of our scoring models must do alike: the same inputs, the same answers, the
 * same typed failures.
 */
abstract class ScorerContract {
  static final Path MODELS = Path.of("..", "models");
  static final double TOLERANCE = 1e-3;
  private static final int CONTEXT = 256;
  private static final HuggingFaceTokenizerAdapter TOKENIZER =
      HuggingFaceTokenizerAdapter.load(MODELS.resolve("java-tiny/1/tokenizer.json"), 0);

  /** Opens a committed model. */
  abstract CompletionScorer open(String name, String version);

  /** The reason for which a model that there is not is refused. */
  abstract ModelException.Reason unknownModel();

  static TokenIds tokens(String text) {
    return TOKENIZER.encode(text);
  }

  private static ScoringGroup group(String prompt, String... completions) {
    return new ScoringGroup(
        tokens(prompt), List.of(completions).stream().map(t -> tokens(t)).toList());
  }

  private static List<Float> scored(ScoreOutcome outcome) {
    assertThat(outcome).isInstanceOf(Scored.class);
    return ((Scored) outcome).scores();
  }

  private static void assertThatClose(List<Float> scores, List<Float> expected) {
    assertThat(scores).hasSameSizeAs(expected);
    for (int k = 0; k < scores.size(); k++) {
      assertThat(scores.get(k).doubleValue())
          .as("scores[%d] of %s", k, scores)
          .isCloseTo(expected.get(k), within(TOLERANCE));
    }
  }

  /** As the embedded runtime told them once; {@code OnnxEqualsTorchTest} holds it to libtorch. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "java-reward | 1 | 'list.size(); i++) {' | -3.701501 -5.132998 -3.871787 -5.449920 -2.930759",
        "java-reward | 1 | banana | -5.516906 -6.923545 -5.174685 -6.990586 -4.669327",
        "java-cost | 1 | banana | 6.170537 5.026124 6.153199",
        "java-cost | 2 | banana | 5.231184 5.771144 4.888444",
      })
  void scoresAreTheModels(String name, String version, String completion, String expected) {
    try (CompletionScorer scorer = open(name, version)) {
      List<Float> scores =
          scored(
              scorer
                  .score(List.of(group("for (int i = 0; i < ", completion)))
                  .getFirst()
                  .getFirst());
      assertThatClose(
          scores, List.of(expected.split(" ")).stream().map(Float::parseFloat).toList());
    }
  }

  @Test
  void whatTheScoresMeanIsTold() {
    try (CompletionScorer reward = open("java-reward", "1");
        CompletionScorer cost = open("java-cost", "2")) {
      assertThat(reward.spec().kind()).isEqualTo(ScoringKind.REWARD_ENSEMBLE);
      assertThat(reward.spec().heads()).isEqualTo(5);
      assertThat(reward.spec().calibration().orElseThrow().a()).isEqualTo(1.8628284367705912);
      assertThat(cost.spec().kind()).isEqualTo(ScoringKind.COST);
      assertThat(cost.spec().heads()).isEqualTo(3);
    }
  }

  @Test
  void companyDoesNotCount() {
    String prompt = "public static void main(String[] args) {\n    System.out.";
    List<String> completions =
        List.of("println(args.length);", "print", "x", "println(\"hello\" + args[0]);\n  }\n}");
    try (CompletionScorer scorer = open("java-reward", "1")) {
      List<List<ScoreOutcome>> together =
          scorer.score(
              List.of(
                  group(prompt, completions.toArray(String[]::new)),
                  group("int", " x"),
                  group("x".repeat(300), "y", "y".repeat(200))));
      assertThat(together).extracting(List::size).containsExactly(4, 1, 2);
      for (int i = 0; i < completions.size(); i++) {
        assertThatClose(
            scored(together.getFirst().get(i)),
            scored(scorer.score(List.of(group(prompt, completions.get(i)))).getFirst().getFirst()));
      }
    }
  }

  @Test
  void aLongPromptLosesItsLeftEnd() {
    TokenIds prompt = tokens("int value = compute(left, right); ".repeat(60));
    TokenIds completion = tokens("return value;");
    // a completion shorter than an eighth of the context leaves that eighth free
    TokenIds kept = prompt.last(CONTEXT - CONTEXT / 8);
    try (CompletionScorer scorer = open("java-reward", "1")) {
      List<List<ScoreOutcome>> outcomes =
          scorer.score(
              List.of(
                  new ScoringGroup(prompt, List.of(completion)),
                  new ScoringGroup(kept, List.of(completion))));
      assertThatClose(scored(outcomes.get(0).getFirst()), scored(outcomes.get(1).getFirst()));
    }
  }

  @Test
  void whatCannotBeScoredFailsAloneAndSaysWhy() {
    TokenIds prompt = tokens("int x = ");
    TokenIds good = tokens("1;");
    TokenIds tooLong = tokens("x + ".repeat(300));
    try (CompletionScorer scorer = open("java-cost", "1")) {
      List<List<ScoreOutcome>> outcomes =
          scorer.score(
              List.of(
                  new ScoringGroup(
                      prompt, List.of(good, tooLong, tokens(""), TokenIds.of(3, 4096))),
                  new ScoringGroup(tokens(""), List.of(good)),
                  new ScoringGroup(prompt, List.of())));

      scored(outcomes.get(0).get(0));
      assertThat(outcomes.get(0).get(1))
          .isEqualTo(
              new Refusal(
                  Refusal.Reason.TOO_LONG,
                  "completions[1]: " + tooLong.size() + " tokens, limit 255"));
      assertThat(outcomes.get(0).get(2))
          .isEqualTo(
              new Refusal(Refusal.Reason.EMPTY, "completions[2]: no tokens (expected: ≥ 1)"));
      assertThat(outcomes.get(0).get(3))
          .isEqualTo(
              new Refusal(
                  Refusal.Reason.INVALID_TOKEN,
                  "completions[3][1]: 4096 (expected: ≥ 0 and < 4096)"));
      assertThat(outcomes.get(1))
          .containsExactly(new Refusal(Refusal.Reason.EMPTY, "prompt: no tokens (expected: ≥ 1)"));
      assertThat(outcomes.get(2)).isEmpty();
    }
  }

  @Test
  void aModelThatThereIsNotIsRefused() {
    ModelException thrown =
        catchThrowableOfType(ModelException.class, () -> open("java-nothing", "1").close());
    assertThat(thrown.reason()).isEqualTo(unknownModel());
    thrown = catchThrowableOfType(ModelException.class, () -> open("java-reward", "9").close());
    assertThat(thrown.reason()).isEqualTo(unknownModel());
  }

  @Test
  void aClosedOneRefuses() {
    CompletionScorer scorer = open("java-reward", "1");
    scorer.close();
    scorer.close();
    ModelException thrown =
        catchThrowableOfType(
            ModelException.class, () -> scorer.score(List.of(group("int x", " = 1;"))));
    assertThat(thrown.reason()).isEqualTo(ModelException.Reason.CLOSED);
  }
}
