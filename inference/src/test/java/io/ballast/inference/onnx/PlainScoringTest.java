package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtSession;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import java.io.IOException;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The graph over plain rows scores as the packed one does, whatever its rows are padded to. */
class PlainScoringTest {
  @TempDir private Path folder = Path.of(".");
  private Path trunk = Path.of(".");
  private Path scoring = Path.of(".");

  private record Row(TokenIds prompt, TokenIds completion) {}

  @BeforeEach
  void write() throws IOException {
    trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
  }

  private PlainScoring write(HeadActivation activation) throws IOException {
    scoring = folder.resolve("java-reward/1");
    ScoringModelFolder.write(
        scoring, TinyFolders.heads(trunk, ScoringKind.REWARD_ENSEMBLE, 3, activation, 5), Map.of());
    return PlainScoring.write(trunk, scoring, folder.resolve("plain.onnx"));
  }

  /** Runs the graph over rows of {@code length} tokens. */
  private float[][] run(List<long[]> counts, List<Row> rows, int length) {
    LongBuffer ids = LongBuffer.allocate(rows.size() * length);
    LongBuffer prompts = LongBuffer.allocate(rows.size());
    LongBuffer completions = LongBuffer.allocate(rows.size());
    for (int b = 0; b < rows.size(); b++) {
      int[] tokens = rows.get(b).prompt().concat(rows.get(b).completion()).toArray();
      for (int t = 0; t < length; t++) {
        ids.put(t < tokens.length ? tokens[t] : 7);
      }
      prompts.put(counts.get(b)[0]);
      completions.put(counts.get(b)[1]);
    }
    try (GuardedSession session = new GuardedSession(folder.resolve("plain.onnx"), 1)) {
      return session.use(
          open -> {
            Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
            inputs.put(PlainScoring.INPUT_IDS, session.tensor(ids.flip(), rows.size(), length));
            inputs.put(PlainScoring.PROMPT_TOKENS, session.tensor(prompts.flip(), rows.size(), 1));
            inputs.put(
                PlainScoring.COMPLETION_TOKENS, session.tensor(completions.flip(), rows.size(), 1));
            try (OrtSession.Result result = open.run(inputs)) {
              return (float[][]) result.get(PlainScoring.SCORES).orElseThrow().getValue();
            } finally {
              inputs.values().forEach(OnnxTensor::close);
            }
          });
    }
  }

  private static List<long[]> counts(List<Row> rows) {
    return rows.stream()
        .map(row -> new long[] {row.prompt().size(), row.completion().size()})
        .toList();
  }

  private static List<Row> rows() {
    RandomGenerator random = new SplittableRandom(11);
    List<Row> rows = new ArrayList<>();
    for (int b = 0; b < 9; b++) {
      rows.add(
          new Row(
              TinyFolders.tokens(random, random.nextInt(1, 15)),
              TinyFolders.tokens(random, random.nextInt(1, 10))));
    }
    return rows;
  }

  @ParameterizedTest
  @EnumSource(HeadActivation.class)
  void scoresAreThoseOfThePackedGraph(HeadActivation activation) throws IOException {
    PlainScoring plain = write(activation);
    List<Row> rows = rows();

    float[][] scores = run(counts(rows), rows, plain.contextTokens());

    try (OnnxScorer scorer = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
      for (int b = 0; b < rows.size(); b++) {
        ScoringGroup group =
            new ScoringGroup(rows.get(b).prompt(), List.of(rows.get(b).completion()));
        Scored packed = (Scored) scorer.score(List.of(group)).getFirst().getFirst();
        assertThat(plain.prompt(group, 0)).isEqualTo(group.prompt());
        for (int k = 0; k < 3; k++) {
          assertThat(Math.abs(scores[b][k] - packed.scores().get(k))).isLessThan(1e-5f);
        }
      }
      assertThat(plain.spec()).isEqualTo(scorer.spec());
    }
  }

  @Test
  void companyAndPaddingDoNotCount() throws IOException {
    write(HeadActivation.TANH);
    List<Row> rows = rows();
    float[][] together = run(counts(rows), rows, 31);

    for (int b = 0; b < rows.size(); b++) {
      List<Row> alone = List.of(rows.get(b));
      int length = rows.get(b).prompt().size() + rows.get(b).completion().size();
      assertThat(run(counts(alone), alone, length)[0])
          .usingComparatorWithPrecision(1e-5f)
          .containsExactly(together[b]);
    }
  }

  @Test
  void countsThatCannotBeMakeNoNumberAndHarmNobody() throws IOException {
    write(HeadActivation.TANH);
    List<Row> rows = rows().subList(0, 4);
    List<long[]> counts = new ArrayList<>(counts(rows));
    float[][] right = run(counts, rows, 24);
    counts.set(0, new long[] {0, 3});
    counts.set(1, new long[] {3, 0});
    counts.set(2, new long[] {20, 5});

    float[][] wrong = run(counts, rows, 24);

    for (int b = 0; b < 3; b++) {
      assertThat(wrong[b]).containsOnly(Float.NaN);
    }
    assertThat(wrong[3]).usingComparatorWithPrecision(1e-5f).containsExactly(right[3]);
  }

  @Test
  void whatIsRefusedAndCutIsWhatThePackerRefusesAndCuts() throws IOException {
    PlainScoring plain = write(HeadActivation.TANH);
    RandomGenerator random = new SplittableRandom(12);
    TokenIds prompt = TinyFolders.tokens(random, 40);
    ScoringGroup group =
        new ScoringGroup(
            prompt,
            List.of(
                TinyFolders.tokens(random, 32),
                TokenIds.of(),
                TokenIds.of(40),
                TinyFolders.tokens(random, 2)));

    assertThat(plain.refusal(group, 0).orElseThrow().reason()).isEqualTo(Refusal.Reason.TOO_LONG);
    assertThat(plain.refusal(group, 1).orElseThrow().reason()).isEqualTo(Refusal.Reason.EMPTY);
    assertThat(plain.refusal(group, 2).orElseThrow().reason())
        .isEqualTo(Refusal.Reason.INVALID_TOKEN);
    assertThat(plain.refusal(group, 3)).isEmpty();
    assertThat(plain.prompt(group, 3)).isEqualTo(prompt.last(28));
    assertThat(Files.size(folder.resolve("plain.onnx"))).isPositive();
  }
}
