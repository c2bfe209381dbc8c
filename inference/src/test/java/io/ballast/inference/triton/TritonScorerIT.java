package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.triton.TritonException.Reason;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link ScorerContract} on a real Triton, and what only exported models do. */
class TritonScorerIT extends ScorerContract {
  @TempDir private static Path cache;

  @Override
  CompletionScorer open(String name, String version) {
    return TritonScorer.open(
        ExportedTriton.client(), new ServedModel(name, version), OptionalLong.of(2));
  }

  @Override
  ModelException.Reason unknownModel() {
    return ModelException.Reason.UNAVAILABLE;
  }

  @ParameterizedTest
  @CsvSource({"java-reward, 1", "java-cost, 1", "java-cost, 2"})
  void itAgreesWithTheEmbeddedOneOnRandomTokens(String name, String version) {
    RandomGenerator random = new SplittableRandom(21);
    List<ScoringGroup> groups = new ArrayList<>();
    for (int g = 0; g < 60; g++) {
      List<TokenIds> completions = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        completions.add(TokenIds.of(random.ints(random.nextInt(1, 12), 0, 4096).toArray()));
      }
      groups.add(
          new ScoringGroup(
              TokenIds.of(random.ints(random.nextInt(1, g == 0 ? 300 : 20), 0, 4096).toArray()),
              completions));
    }
    try (CompletionScorer triton = open(name, version);
        CompletionScorer embedded =
            OnnxScorer.open(
                MODELS.resolve("java-tiny/1"), MODELS.resolve(name).resolve(version), cache, 1);
        CompletionScorer sameFolder = ExportedScorer.open(ExportedTriton.entry(name), version, 1)) {
      List<List<ScoreOutcome>> there = triton.score(groups);
      assertThat(gap(there, embedded.score(groups))).isLessThan(TOLERANCE);
      assertThat(gap(there, sameFolder.score(groups))).isLessThan(TOLERANCE);
    }
  }

  /** The largest difference of two scores. */
  private static double gap(List<List<ScoreOutcome>> there, List<List<ScoreOutcome>> here) {
    double gap = 0;
    for (int g = 0; g < there.size(); g++) {
      for (int i = 0; i < there.get(g).size(); i++) {
        List<Float> a = ((Scored) there.get(g).get(i)).scores();
        List<Float> b = ((Scored) here.get(g).get(i)).scores();
        for (int k = 0; k < b.size(); k++) {
          gap = Math.max(gap, Math.abs(a.get(k) - b.get(k)));
        }
      }
    }
    return gap;
  }

  @Test
  void requestsOfOtherLengthsShareAnExecution() {
    ServedModel model = new ServedModel("java-reward", "1");
    long before = executions(model);
    List<CompletableFuture<InferAnswer>> answers = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      answers.add(ExportedTriton.client().inferAsync(row(20 + i, 10, 5)));
    }
    answers.forEach(
        answer -> assertThat(answer.join().output("scores").shape()).containsExactly(1L, 5L));

    assertThat(executions(model) - before).isLessThan(32);
  }

  @Test
  void aRequestThatCannotBeIsRefusedByTheModelItself() {
    assertThat(refusal(row(20, 0, 5))).endsWith("prompt_tokens[0]: 0 (expected: >= 1)");
    assertThat(refusal(row(20, 5, 0))).endsWith("completion_tokens[0]: 0 (expected: >= 1)");
    assertThat(refusal(row(20, 18, 5)))
        .endsWith("input_ids[0]: 20 tokens (expected: 18 + 5 at least)");
    assertThat(refusal(row(257, 18, 5))).endsWith("input_ids: rows of 257 tokens, limit 256");
    long[] ids = new long[20];
    ids[7] = 4096;
    assertThat(refusal(row(ids, 10, 5)))
        .endsWith("input_ids[0][7]: 4096 (expected: >= 0 and < 4096)");
  }

  @Test
  void aModelOfAnotherMakeIsRefusedByName() {
    ModelException thrown =
        catchThrowableOfType(
            ModelException.class,
            () ->
                TritonScorer.open(
                    SharedTriton.client(), new ServedModel("identity", "1"), OptionalLong.empty()));

    assertThat(thrown.reason()).isEqualTo(ModelException.Reason.UNSUPPORTED);
    assertThat(thrown)
        .hasMessageStartingWith("model 'identity' version 1: parameter 'scoring_config_1': none");
  }

  private static String refusal(InferRequest request) {
    return failure(Reason.BAD_REQUEST, () -> ExportedTriton.client().infer(request));
  }

  private static InferRequest row(int length, long prompt, long completion) {
    return row(new long[length], prompt, completion);
  }

  private static InferRequest row(long[] ids, long prompt, long completion) {
    return InferRequest.of(new ServedModel("java-reward", "1"))
        .input(Tensor.longs("input_ids", List.of(1L, (long) ids.length), ids))
        .input(Tensor.longs("prompt_tokens", List.of(1L, 1L), prompt))
        .input(Tensor.longs("completion_tokens", List.of(1L, 1L), completion))
        .build();
  }

  private static long executions(ServedModel model) {
    return ExportedTriton.client().statistics(model).getFirst().executions();
  }
}
