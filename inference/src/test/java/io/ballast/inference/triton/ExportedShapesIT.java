package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.HeadActivation;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.TinyFolders;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.testing.RealTriton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Scoring models of odd shapes on a real Triton: one head, one row at a time, no batches at all.
 */
class ExportedShapesIT {
  /** More than 32 bits. */
  private static final long NUMBER = 40_000_000_000L;

  @TempDir private static Path folder;
  private static Path trunk;
  private static Path scoring;
  private static RealTriton server;
  private static KServeConnection connection;

  @BeforeAll
  static void export() throws IOException {
    trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    scoring = folder.resolve("single/1");
    ScoringModelFolder.write(
        scoring, TinyFolders.heads(trunk, ScoringKind.COST, 1, HeadActivation.GELU, 5), Map.of());
    Path repository = folder.resolve("repository");
    export(repository, "single", NUMBER, 1);
    Path config = export(repository, "flat", 1, 7).resolve("config.pbtxt");
    String text = Files.readString(config);
    assertThat(text).contains("max_batch_size: 7\n");
    Files.writeString(config, text.replace("max_batch_size: 7\n", ""));
    server = RealTriton.start(repository, "single", "flat");
    connection = KServeConnection.open(server.address(), KServeSettings.defaults());
  }

  private static Path export(Path repository, String name, long number, int rows)
      throws IOException {
    return new TritonExport(
            repository, ExportOptions.defaults().with(new Batching(rows, List.of(), Duration.ZERO)))
        .scoring(name, List.of(new Version(number, scoring)), reference -> trunk);
  }

  @AfterAll
  static void close() {
    connection.close();
    server.close();
  }

  @Test
  void oneHeadScoresOneRowAtATimeUnderALargeNumber() {
    SplittableRandom random = new SplittableRandom(41);
    List<ScoringGroup> groups = new ArrayList<>();
    for (int g = 0; g < 12; g++) {
      groups.add(
          new ScoringGroup(
              TinyFolders.tokens(random, random.nextInt(1, 40)),
              List.of(
                  TinyFolders.tokens(random, random.nextInt(1, 31)),
                  TinyFolders.tokens(random, 1))));
    }
    try (TritonScorer there =
            TritonScorer.open(
                connection.client(),
                new ServedModel("single", Long.toString(NUMBER)),
                OptionalLong.empty());
        OnnxScorer here = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
      assertThat(there.spec()).isEqualTo(here.spec());
      List<List<ScoreOutcome>> expected = here.score(groups);
      List<List<ScoreOutcome>> found = there.score(groups);
      for (int g = 0; g < groups.size(); g++) {
        for (int i = 0; i < 2; i++) {
          List<Float> scores = ((Scored) found.get(g).get(i)).scores();
          assertThat(scores).hasSize(1);
          assertThat((double) scores.getFirst())
              .isCloseTo(((Scored) expected.get(g).get(i)).scores().getFirst(), within(1e-5));
        }
      }
    }
  }

  @Test
  void aModelThatIsNotBatchedIsRefused() {
    assertThatThrownBy(
            () ->
                TritonScorer.open(
                    connection.client(), new ServedModel("flat", "1"), OptionalLong.empty()))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.UNSUPPORTED))
        .hasMessage("model 'flat' version 1: max_batch_size: 0 (expected: ≥ 1)");
  }

  @Test
  void rowsWithoutTokensAndNoRowsAreRefused() {
    assertThat(refusal(1, 0, 1, 1)).endsWith("input_ids[0]: 0 tokens (expected: 1 + 1 at least)");
    assertThat(refusal(1, 3, Long.MAX_VALUE, 1)).contains("input_ids[0]: 3 tokens (expected: 9,2");
    assertThat(refusal(1, 3, Long.MIN_VALUE, 1)).contains("prompt_tokens[0]: -9223372036854775808");
    assertThat(refusal(2, 3, 1, 1)).contains("single");
    assertThat(refusal(0, 3, 1, 1)).contains("single");
  }

  private static String refusal(int rows, int length, long prompt, long completion) {
    long[] prompts = new long[rows];
    long[] completions = new long[rows];
    Arrays.fill(prompts, prompt);
    Arrays.fill(completions, completion);
    List<Long> one = List.of((long) rows, 1L);
    return failure(
        Reason.BAD_REQUEST,
        () ->
            connection
                .client()
                .infer(
                    InferRequest.of(new ServedModel("single", Long.toString(NUMBER)))
                        .input(
                            Tensor.longs(
                                "input_ids",
                                List.of((long) rows, (long) length),
                                new long[rows * length]))
                        .input(Tensor.longs("prompt_tokens", one, prompts))
                        .input(Tensor.longs("completion_tokens", one, completions))
                        .build()));
  }
}
