package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncodingOutcome.Encoded;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The law of batches: what a model says of a text or completion is the same to 1e-5 alone and among
 * 64, at any place among them, whatever their lengths.
 */
class BatchSizeLawTest {
  private static final int BATCH = 64;
  private static final double LAST_BITS = 1e-5;
  private static final Path MODELS = Path.of("..", "models");

  @TempDir private Path folder = Path.of(".");

  /** Asks for each item alone, then for all at once in four orders. */
  private static <T> void assertHolds(List<T> items, Function<List<T>, List<float[]>> ask) {
    assertThat(items).hasSize(BATCH);
    List<float[]> alone = items.stream().map(item -> ask.apply(List.of(item)).getFirst()).toList();
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      order.add(i);
    }
    for (int turn : new int[] {0, 1, BATCH / 2, BATCH - 1}) {
      List<Integer> turned = new ArrayList<>(order);
      Collections.rotate(turned, turn);
      if (turn == 1) {
        Collections.reverse(turned);
      }
      List<float[]> together = ask.apply(turned.stream().map(items::get).toList());
      for (int place = 0; place < BATCH; place++) {
        float[] expected = alone.get(turned.get(place));
        assertThat(together.get(place)).hasSameSizeAs(expected);
        for (int d = 0; d < expected.length; d++) {
          assertThat((double) together.get(place)[d])
              .as("item %d at place %d of %d, number %d", turned.get(place), place, BATCH, d)
              .isCloseTo(expected[d], within(LAST_BITS));
        }
      }
    }
  }

  private static List<float[]> scores(OnnxScorer scorer, List<ScoringGroup> groups) {
    return scorer.score(groups).stream()
        .map(
            group -> {
              List<Float> scores = ((Scored) group.getFirst()).scores();
              float[] floats = new float[scores.size()];
              for (int k = 0; k < floats.length; k++) {
                floats[k] = scores.get(k);
              }
              return floats;
            })
        .toList();
  }

  /** Single completions, some with prompts that do not fit the context. */
  private static List<ScoringGroup> groups(long seed, int context, int vocabulary) {
    RandomGenerator random = new SplittableRandom(seed);
    List<ScoringGroup> groups = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      int longest = i % 8 == 0 ? context + 9 : context / 4;
      groups.add(
          new ScoringGroup(
              tokens(random, random.nextInt(1, longest), vocabulary),
              List.of(tokens(random, random.nextInt(1, context / 8), vocabulary))));
    }
    return groups;
  }

  private static TokenIds tokens(RandomGenerator random, int count, int vocabulary) {
    return TokenIds.of(random.ints(count, 0, vocabulary).toArray());
  }

  @Test
  void aScorerKeepsIt() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.UNTIED, 3);
    Path scoring = folder.resolve("java-cost/1");
    ScoringModelFolder.write(
        scoring, TinyFolders.heads(trunk, ScoringKind.COST, 3, HeadActivation.GELU, 5), Map.of());
    try (OnnxScorer scorer = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
      assertHolds(groups(21, 32, 40), groups -> scores(scorer, groups));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"java-reward/1", "java-cost/2"})
  void theModelsThatComeWithItKeepIt(String model) throws IOException {
    try (OnnxScorer scorer =
        OnnxScorer.open(
            MODELS.resolve("java-tiny/1"), MODELS.resolve(model), folder.resolve("cache"), 2)) {
      assertHolds(groups(22, 256, 4_096), groups -> scores(scorer, groups));
    }
  }

  private static List<float[]> vectors(OnnxEncoder encoder, List<String> texts) {
    return encoder.encode(texts).stream()
        .map(outcome -> ((Encoded) outcome).values().toArray())
        .toList();
  }

  /** Texts of the words w0 to w19, one to 30 of them. */
  private static List<String> texts() {
    RandomGenerator random = new SplittableRandom(23);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      StringBuilder text = new StringBuilder();
      for (int w = random.nextInt(1, 31); w > 0; w--) {
        text.append(" w").append(random.nextInt(SmallEncoder.WORDS));
      }
      texts.add(text.toString());
    }
    return texts;
  }

  private OnnxEncoder open() {
    return OnnxEncoder.open(folder, new EncoderOptions(256, 1));
  }

  @Test
  void anEncoderKeepsItInBatches() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", true);
    try (OnnxEncoder encoder = open()) {
      assertThat(encoder.oneByOne()).isFalse();
      assertHolds(texts(), texts -> vectors(encoder, texts));
    }
  }

  @Test
  void anEncoderWithoutAMaskKeepsItOneByOneForItSeesPadding() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", false);
    try (OnnxEncoder encoder = open()) {
      assertThat(encoder.oneByOne()).isTrue();
      assertHolds(texts(), texts -> vectors(encoder, texts));
    }
  }

  @Test
  void aRealEncoderThatQuantisesAsItGoesKeepsIt() throws IOException {
    copy("/all-minilm-l6-v2-q.onnx", folder.resolve("model.onnx"));
    copy("/all-minilm-l6-v2-q-tokenizer.json", folder.resolve("tokenizer.json"));
    String[] words = "a cat sits on the mat while compilers report unresolved symbols".split(" ");
    RandomGenerator random = new SplittableRandom(24);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      StringBuilder text = new StringBuilder();
      for (int w = random.nextInt(1, 12); w > 0; w--) {
        text.append(words[random.nextInt(words.length)]).append(' ');
      }
      texts.add(text.toString());
    }
    try (OnnxEncoder encoder = open()) {
      assertHolds(texts, batch -> vectors(encoder, batch));
    }
  }

  @Test
  void whatQuantisesAsItGoesIsFoundWhereverItStands() throws IOException {
    NodeProto hidden = NodeProto.newBuilder().setOpType("DynamicQuantizeLinear").build();
    NodeProto branch =
        NodeProto.newBuilder()
            .setOpType("If")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("then_branch")
                    .setG(GraphProto.newBuilder().addNode(hidden)))
            .build();
    GraphProto nested =
        GraphProto.newBuilder()
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("Loop")
                    .addAttribute(
                        AttributeProto.newBuilder()
                            .addGraphs(GraphProto.newBuilder().addNode(branch))))
            .build();
    Path file = folder.resolve("model.onnx");

    SmallEncoder.write(file, ModelProto.newBuilder().setGraph(nested).build());
    assertThat(OperatorNames.of(file)).containsExactly("DynamicQuantizeLinear", "If", "Loop");

    SmallEncoder.write(
        file,
        ModelProto.newBuilder()
            .setGraph(GraphProto.newBuilder().addNode(NodeProto.newBuilder().setOpType("Own")))
            .addFunctions(FunctionProto.newBuilder().setName("Own").addNode(hidden))
            .build());
    assertThat(OperatorNames.of(file)).containsExactly("DynamicQuantizeLinear", "Own");
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(BatchSizeLawTest.class.getResourceAsStream(resource), resource)) {
      Files.copy(in, file);
    }
  }
}
