package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder whose weights and config disagree says which, and what was expected. */
class DecoderFolderTest {
  private static final DecoderConfig CONFIG = FamilyFolders.config(DecoderFamily.LLAMA);

  @TempDir private Path folder;

  private void write(UnaryOperator<List<Content>> change) throws IOException {
    CONFIG.write(folder, WeightType.FLOAT32);
    List<Content> contents = new ArrayList<>(FamilyFolders.contents(CONFIG, 4));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), change.apply(contents), Map.of());
  }

  private static Content of(String name, float[] values, long... shape) {
    return new Content(
        name, WeightType.FLOAT32, Arrays.stream(shape).boxed().toList(), () -> values);
  }

  private FrozenDecoder load() {
    return FrozenDecoder.load(folder, Arithmetic.FLOAT32);
  }

  private void assertRefused(String message) {
    assertThatThrownBy(this::load)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message)
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(Reason.INVALID_FOLDER);
  }

  @Test
  void tensorsThatAreMissingOrUnexpectedAreListed() throws IOException {
    write(
        contents -> {
          contents.removeIf(c -> c.name().equals("model.layers.1.mlp.up_proj.weight"));
          contents.add(of("model.layers.0.self_attn.q_proj.bias", new float[16], 16));
          return contents;
        });
    assertRefused(
        "missing [model.layers.1.mlp.up_proj.weight]; unexpected"
            + " [model.layers.0.self_attn.q_proj.bias]");
  }

  @Test
  void aShapeThatDisagreesIsNamedWithTheExpectedOne() throws IOException {
    write(
        contents -> {
          contents.removeIf(c -> c.name().equals("model.norm.weight"));
          contents.add(of("model.norm.weight", new float[17], 17));
          return contents;
        });
    assertRefused("tensor model.norm.weight: shape [17] (expected: [16])");
  }

  @Test
  void aWeightThatIsNotANumberIsNamed() throws IOException {
    write(
        contents -> {
          contents.removeIf(c -> c.name().equals("model.norm.weight"));
          float[] values = new float[16];
          values[11] = Float.NaN;
          contents.add(of("model.norm.weight", values, 16));
          return contents;
        });
    assertRefused("tensor model.norm.weight[11]: NaN (expected: finite)");
  }

  @Test
  void weightsThatLieNeverBecomeADecoder() throws IOException {
    write(contents -> contents);
    Path file = folder.resolve(ModelManifest.WEIGHTS);
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 7, 8, 100, whole.length / 2, whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertRefused("model.safetensors: ");
    }
    String header = new String(whole, StandardCharsets.ISO_8859_1);
    Files.writeString(file, header.replaceFirst("\"F32\"", "\"I32\""), StandardCharsets.ISO_8859_1);
    assertRefused("type I32 (expected: F32, BF16, F16)");
    Files.write(file, whole);
    load().close();
  }

  private static DecoderConfig withRows(int rows) {
    return new DecoderConfig(16, 24, 1, 2, 1, rows, 32, 1e-5, 10_000, true, 0, 0);
  }

  @Test
  void aTokenizerOfFarFewerIdsThanTheModelIsAnotherModels() throws IOException {
    TinyTokenizer.write(folder);
    int known = TinyTokenizer.vocabularySize();
    FamilyFolders.write(folder, withRows(known + 1_025), 4);
    String message =
        "268 ids (expected: vocab_size 1293, less at most 1024 that are padding; is it another"
            + " model's?)";
    assertThatThrownBy(() -> TorchDecoder.load(folder, ServingOptions.defaults()))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessage("tokenizer: " + message);
    Path target = Files.createDirectory(folder.resolve("target"));
    assertThatThrownBy(() -> DecoderImport.write(folder, target, Optional.empty(), part -> {}))
        .isInstanceOf(ModelException.class)
        .hasMessage(folder.resolve("tokenizer.json") + ": " + message);

    FamilyFolders.write(folder, withRows(known + 1_024), 4);
    TorchDecoder.load(folder, ServingOptions.defaults()).close();
  }

  @Test
  void theVocabulariesOfKnownModelsFit() {
    int[][] idsAndRows = {
      {4_096, 4_096}, // java-tiny
      {49_152, 49_152}, // SmolLM2
      {128_256, 128_256}, // Llama 3
      {32_000, 32_000}, // TinyLlama
      {32_768, 32_768}, // Mistral v0.3
      {151_665, 151_936}, // Qwen2.5, up to 3B
      {151_665, 152_064}, // Qwen2.5, 7B and beyond
      {151_669, 151_936}, // Qwen3
      {256_000, 256_000}, // Gemma
      {262_144, 262_208}, // Gemma 3
      {32_022, 32_256}, // DeepSeek Coder
      {50_295, 51_200} // Phi-2
    };
    for (int[] model : idsAndRows) {
      assertThat(model[1] - model[0]).isBetween(0, VocabularyFit.mostFree(model[1]));
    }
    assertThat(49_152 - 4_096).isGreaterThan(VocabularyFit.mostFree(49_152));
    assertThat(49_152 - 32_000).isGreaterThan(VocabularyFit.mostFree(49_152));
    assertThat(151_936 - 128_256).isGreaterThan(VocabularyFit.mostFree(151_936));
  }

  @Test
  void aTokenizerToWhichTheEndOfATextIsAWordIsAnotherModels() throws IOException {
    TinyTokenizer.write(folder);
    int known = TinyTokenizer.vocabularySize();
    DecoderConfig other =
        new DecoderConfig(16, 24, 1, 2, 1, known, 32, 1e-5, 10_000, true, 0, known - 1);
    FamilyFolders.write(folder, other, 4);
    assertThatThrownBy(() -> TorchDecoder.load(folder, ServingOptions.defaults()))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageEndingWith(
            "tokenizer.json: end of text: id 267 is a piece of ordinary text (expected: one of"
                + " added_tokens; is it another model's?)");
  }

  @Test
  void aTokenizerOfMoreIdsThanTheModelIsRefusedAndOneOfFewerServes() throws IOException {
    DecoderConfig narrow = new DecoderConfig(16, 24, 1, 2, 1, 257, 32, 1e-5, 10_000, true, 0, 0);
    FamilyFolders.write(folder, narrow, 4);
    TinyTokenizer.write(folder);
    assertThatThrownBy(() -> TorchDecoder.load(folder, ServingOptions.defaults()))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessage("tokenizer: 268 ids (expected: at most vocab_size 257)");

    int known = TinyTokenizer.vocabularySize();
    DecoderConfig wide =
        new DecoderConfig(16, 24, 1, 2, 1, known + 30, 32, 1e-5, 10_000, true, 0, 0);
    FamilyFolders.write(folder, wide, 4);
    try (TorchDecoder decoder = TorchDecoder.load(folder, ServingOptions.defaults())) {
      for (long seed = 0; seed < 20; seed++) {
        SamplingOptions hot =
            SamplingOptions.builder().temperature(10).maxNewTokens(16).seed(seed).build();
        int[] drawn =
            decoder
                .generate(new GenerationRequest("int", false, 0, hot), token -> {})
                .result()
                .join()
                .tokens()
                .toArray();
        assertThat(Arrays.stream(drawn).max().orElse(0)).isLessThan(known);
      }
    }

    DecoderConfig elsewhere =
        new DecoderConfig(16, 24, 1, 2, 1, known + 30, 32, 1e-5, 10_000, true, 0, known);
    FamilyFolders.write(folder, elsewhere, 4);
    assertThatThrownBy(() -> TorchDecoder.load(folder, ServingOptions.defaults()))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageEndingWith("tokenizer.json: end of text: id 268 (expected: < 268)");
  }

  @Test
  void aHeadWrittenTwiceAndOldTablesAreNoHarm() throws IOException {
    write(
        contents -> {
          contents.add(of("lm_head.weight", new float[40 * 16], 40, 16));
          contents.add(of("model.layers.0.self_attn.rotary_emb.inv_freq", new float[2], 2));
          return contents;
        });
    load().close();
  }

  @Test
  void shardsGiveTheSameModelAsOneFile() throws IOException {
    write(contents -> contents);
    double[][] expected = new ReferenceDecoder(CONFIG, folder).logits(3, 1, 4);
    List<Content> contents = FamilyFolders.contents(CONFIG, 4);
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < 2; i++) {
      String shard = "model-0000" + (i + 1) + "-of-00002.safetensors";
      List<Content> half = contents.subList(i * 8, i == 0 ? 8 : contents.size());
      SafetensorsFile.write(folder.resolve(shard), half, Map.of());
      half.forEach(
          c ->
              map.append(map.isEmpty() ? "" : ",")
                  .append('"')
                  .append(c.name())
                  .append("\":\"")
                  .append(shard)
                  .append('"'));
    }
    Files.delete(folder.resolve(ModelManifest.WEIGHTS));
    Files.writeString(folder.resolve(WeightFiles.INDEX), "{\"weight_map\":{" + map + "}}");
    Path tokenizer = Files.writeString(folder.resolve("t.json"), "{}");
    try (TrainableDecoder decoder =
        TrainableDecoder.load(folder, Arithmetic.FLOAT32, OptimizerOptions.pretraining())) {
      decoder.save(folder.resolve("one"), WeightType.FLOAT32, tokenizer, Map.of());
    }
    assertThat(new ReferenceDecoder(CONFIG, folder.resolve("one")).logits(3, 1, 4))
        .isDeepEqualTo(expected);
  }

  @Test
  void aMatrixLongerThanAPieceIsWhole() throws IOException {
    // 5,000 ids of 64 numbers: two pieces of which the second is shorter
    DecoderConfig wide = new DecoderConfig(64, 8, 1, 2, 1, 5_000, 8, 1e-5, 10_000, true, 0, 0);
    FamilyFolders.write(folder, wide, 2);
    float[] expected =
        SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS))
            .read("model.embed_tokens.weight", List.of(5_000L, 64L));
    try (TrainableDecoder decoder =
        TrainableDecoder.load(folder, Arithmetic.FLOAT32, OptimizerOptions.pretraining())) {
      float[] flat = Tensors.floats(decoder.weights().flat());
      assertThat(Arrays.copyOf(flat, expected.length)).isEqualTo(expected);
    }
  }
}
