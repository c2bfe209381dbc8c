package io.ballast.inference.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderFamily;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.RopeScaling;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A GGUF file becomes a folder with the same weights and tokenizer, and one that lies is refused.
 */
class GgufModelTest {
  private static final int VOCABULARY = 262;
  private static final String TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}";

  @TempDir private Path folder;

  private static List<String> tokens() {
    List<String> tokens = new ArrayList<>(List.of("<|end|>", "<|start|>"));
    tokens.addAll(byteCharacters());
    tokens.addAll(List.of("in", "int", "Ġi", "<tool>"));
    return tokens;
  }

  /** GPT-2's characters for the bytes, in the order of the bytes. */
  private static List<String> byteCharacters() {
    List<String> characters = new ArrayList<>();
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
      characters.add(Character.toString(printable ? b : next++));
    }
    return characters;
  }

  /** One block of two heads of four, one key head; numbers count up. */
  static GgufBytes model(String architecture) {
    List<Integer> types = new ArrayList<>();
    for (int id = 0; id < VOCABULARY; id++) {
      types.add(id < 2 ? 3 : id == VOCABULARY - 1 ? 4 : 1);
    }
    GgufBytes bytes =
        new GgufBytes()
            .with("general.architecture", architecture)
            .with(architecture + ".block_count", 1)
            .with(architecture + ".context_length", 32)
            .with(architecture + ".embedding_length", 8)
            .with(architecture + ".feed_forward_length", 12)
            .with(architecture + ".attention.head_count", 2)
            .with(architecture + ".attention.head_count_kv", 1)
            .with(architecture + ".rope.freq_base", 500f)
            .with(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f)
            .with("tokenizer.ggml.model", "gpt2")
            .with("tokenizer.ggml.pre", "smollm")
            .with("tokenizer.ggml.tokens", tokens())
            .with("tokenizer.ggml.token_type", types)
            .with("tokenizer.ggml.merges", List.of("i n", "in t", "Ġ i"))
            .with("tokenizer.ggml.bos_token_id", 1)
            .with("tokenizer.ggml.eos_token_id", 0)
            .with("tokenizer.chat_template", TEMPLATE)
            .tensor("token_embd.weight", counting(VOCABULARY * 8), VOCABULARY, 8)
            .tensor("output_norm.weight", counting(8), 8)
            .tensor("blk.0.attn_norm.weight", counting(8), 8)
            .tensor("blk.0.ffn_norm.weight", counting(8), 8)
            .tensor("blk.0.attn_q.weight", counting(64), 8, 8)
            .tensor("blk.0.attn_k.weight", counting(32), 4, 8)
            .tensor("blk.0.attn_v.weight", counting(32), 4, 8)
            .tensor("blk.0.attn_output.weight", counting(64), 8, 8)
            .tensor("blk.0.ffn_gate.weight", counting(96), 12, 8)
            .tensor("blk.0.ffn_up.weight", counting(96), 12, 8)
            .tensor("blk.0.ffn_down.weight", counting(96), 8, 12);
    return bytes;
  }

  private static float[] counting(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i;
    }
    return values;
  }

  private DecoderConfig write(GgufBytes bytes) throws IOException {
    Path file = bytes.write(folder.resolve("model.gguf"));
    return GgufModel.write(file, folder.resolve("out"), WeightType.FLOAT32, part -> {});
  }

  private float[] weights(String name, long... shape) {
    return SafetensorsFile.open(folder.resolve("out/model.safetensors"))
        .read(name, Arrays.stream(shape).boxed().toList());
  }

  @Test
  void aLlamasShapeAndNamesAreTranslated() throws IOException {
    DecoderConfig config = write(model("llama"));
    assertThat(DecoderConfig.read(folder.resolve("out"))).isEqualTo(config);
    assertThat(config.family()).isEqualTo(DecoderFamily.LLAMA);
    assertThat(config.headSize()).isEqualTo(4);
    assertThat(config.ropeTheta()).isEqualTo(500);
    assertThat(config.tiedHead()).isTrue();
    assertThat(config.beginOfTextId()).isEqualTo(1);
    assertThat(config.endOfTextIds()).containsExactly(0);
    assertThat(weights("model.layers.0.mlp.down_proj.weight", 8, 12)).isEqualTo(counting(96));
    assertThat(weights("model.embed_tokens.weight", VOCABULARY, 8))
        .isEqualTo(counting(VOCABULARY * 8));
  }

  @Test
  void aLlamasPairsAreTakenApart() throws IOException {
    write(model("llama"));
    // the file has each head's rows as (0, 2, 1, 3) of the folder's: pairs, not halves
    float[] query = weights("model.layers.0.self_attn.q_proj.weight", 8, 8);
    int[] rows = {0, 2, 1, 3, 4, 6, 5, 7};
    for (int row = 0; row < 8; row++) {
      assertThat(query[row * 8]).as("row %s", row).isEqualTo(rows[row] * 8);
    }
    assertThat(weights("model.layers.0.self_attn.v_proj.weight", 4, 8)).isEqualTo(counting(32));
  }

  @Test
  void otherFamiliesKeepTheirRowsAndAddTheirVectors() throws IOException {
    DecoderConfig config =
        write(
            model("qwen2")
                .tensor("blk.0.attn_q.bias", counting(8), 8)
                .tensor("blk.0.attn_k.bias", counting(4), 4)
                .tensor("blk.0.attn_v.bias", counting(4), 4)
                .tensor("output.weight", counting(VOCABULARY * 8), VOCABULARY, 8));
    assertThat(config.family()).isEqualTo(DecoderFamily.QWEN2);
    assertThat(config.queryKeyValueBias()).isTrue();
    assertThat(config.tiedHead()).isFalse();
    assertThat(weights("model.layers.0.self_attn.q_proj.weight", 8, 8)).isEqualTo(counting(64));
    assertThat(weights("model.layers.0.self_attn.k_proj.bias", 4)).isEqualTo(counting(4));
  }

  @Test
  void aGemmasNormsAreWrittenWithoutTheOneThatItAdds() throws IOException {
    write(model("gemma"));
    assertThat(weights("model.norm.weight", 8)).containsExactly(-1, 0, 1, 2, 3, 4, 5, 6);
  }

  @Test
  void quantisedRowsAreWidened() throws IOException {
    byte[] block = new byte[34];
    block[1] = 0x3C; // 1 as a half
    for (int i = 0; i < 32; i++) {
      block[2 + i] = (byte) (i - 16);
    }
    Path file = new GgufBytes().tensor("t", 8, block, 1, 32).write(folder.resolve("model.gguf"));
    try (Arena arena = Arena.ofConfined()) {
      GgufFile gguf = GgufFile.open(file, arena);
      float[] values = new float[32];
      gguf.read(
          Objects.requireNonNull(gguf.tensors().get("t")),
          row -> row,
          (piece, count, at) -> System.arraycopy(piece, 0, values, (int) at, count));
      assertThat(values[0]).isEqualTo(-16);
      assertThat(values[31]).isEqualTo(15);
    }
  }

  @Test
  void theTokenizerIsWrittenWithItsSpecialTokensAndTemplate() throws IOException {
    write(model("llama"));
    try (HuggingFaceTokenizerAdapter tokenizer =
        HuggingFaceTokenizerAdapter.ofFolder(folder.resolve("out"))) {
      TokenIds ids = tokenizer.encode("int i<tool>42<|end|>");
      // int, Ġi, <tool>, the digits apart, the end
      assertThat(ids).isEqualTo(TokenIds.of(259, 260, 261, 2 + '4', 2 + '2', 0));
      assertThat(tokenizer.bytesOf(0)).isEmpty();
      assertThat(tokenizer.decode(ids)).isEqualTo("int i<tool>42");
      assertThat(tokenizer.vocabularySize()).isEqualTo(VOCABULARY);
    }
    JsonNode settings =
        new ObjectMapper().readTree(folder.resolve("out/tokenizer_config.json").toFile());
    assertThat(settings.path("chat_template").asText()).isEqualTo(TEMPLATE);
    assertThat(settings.path("eos_token").asText()).isEqualTo("<|end|>");
  }

  @Test
  void sentencePiecesScoresBecomeMerges() throws IOException {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>"));
    List<Integer> types = new ArrayList<>(List.of(2, 3));
    List<Float> scores = new ArrayList<>(List.of(0f, 0f));
    for (int b = 0; b < 256; b++) {
      tokens.add("<0x%02X>".formatted(b));
      types.add(6);
      scores.add(0f);
    }
    // better scores merge first: "in" before "nt", so int is in·t, although ▁i could be made too
    List<String> pieces = List.of("▁", "i", "n", "t", "nt", "in", "int", "▁int");
    List<Float> pieceScores = List.of(-9f, -10f, -11f, -12f, -2f, -1f, -3f, -4f);
    for (int i = 0; i < pieces.size(); i++) {
      tokens.add(pieces.get(i));
      types.add(1);
      scores.add(pieceScores.get(i));
    }
    write(
        model("llama")
            .with("tokenizer.ggml.model", "llama")
            .with("tokenizer.ggml.tokens", tokens)
            .with("tokenizer.ggml.token_type", types)
            .with("tokenizer.ggml.scores", scores)
            .with("tokenizer.ggml.eos_token_id", 1)
            .tensor("token_embd.weight", counting(tokens.size() * 8), tokens.size(), 8));
    JsonNode json = new ObjectMapper().readTree(folder.resolve("out/tokenizer.json").toFile());
    List<String> merges = new ArrayList<>();
    json.path("model").path("merges").forEach(merge -> merges.add(merge.asText()));
    assertThat(merges).containsExactly("i n", "n t", "i nt", "in t", "▁ int");
    try (HuggingFaceTokenizerAdapter tokenizer =
        HuggingFaceTokenizerAdapter.ofFolder(folder.resolve("out"))) {
      assertThat(tokenizer.encode("int\n")).isEqualTo(TokenIds.of(265, 2 + 0x0A));
      assertThat(tokenizer.beginning()).isEqualTo(TokenIds.of(1));
      assertThat(tokenizer.decode(tokenizer.encode("int int"))).isEqualTo("int int");
    }
  }

  @Test
  void llama31sFrequenciesAreRecognised() throws IOException {
    // waves of 6 and 14,050 tokens under this base: the first is kept, the second, longer than the
    // original context of 8,192, is stretched by the whole factor
    for (double factor : new double[] {8, 32}) {
      GgufBytes stretched =
          model("llama")
              .with("llama.rope.freq_base", 5_000_000f)
              .tensor("rope_freqs.weight", new float[] {1, (float) factor}, 2);
      assertThat(write(stretched).ropeScaling())
          .isEqualTo(new RopeScaling.Llama3(factor, 1, 4, 8192));
    }
    assertRefused(
        model("llama").tensor("rope_freqs.weight", new float[] {3, 1}, 2),
        "tensor rope_freqs.weight[0]: 3.0 (expected: those of Llama 3.1");
  }

  @Test
  void aRopeIsStretchedAsLlamaCppStretchesIt() throws IOException {
    assertThat(write(model("llama").with("llama.rope.scaling.factor", 4f)).ropeScaling())
        .isEqualTo(new RopeScaling.Linear(4));
    assertThat(write(model("llama").with("llama.rope.scale_linear", 2f)).ropeScaling())
        .isEqualTo(new RopeScaling.Linear(2));
    assertThat(write(model("llama").with("llama.rope.scaling.factor", 0f)).ropeScaling())
        .isEqualTo(new RopeScaling.None());
    assertThat(
            write(
                    model("llama")
                        .with("llama.rope.scaling.factor", 4f)
                        .with("llama.rope.scaling.type", "none"))
                .ropeScaling())
        .isEqualTo(new RopeScaling.None());
  }

  @Test
  void numbersThatAreTooLargeAreNotCutOff() throws IOException {
    assertRefused(
        model("llama").with("tokenizer.ggml.eos_token_id", 1L << 32),
        "tokenizer.ggml.eos_token_id: 4294967296 (expected: below 2³¹)");
    assertRefused(
        model("llama").with("llama.attention.head_count_kv", 1L << 32),
        "llama.attention.head_count_kv: 4294967296 (expected: below 2³¹)");
    assertRefused(
        model("llama").with("llama.block_count", 2_000_000_000),
        "num_hidden_layers: 2000000000 (expected: 1 to 1024)");
  }

  private void assertRefused(GgufBytes bytes, String message) throws IOException {
    assertRefused(bytes.bytes(), message);
  }

  private void assertRefused(byte[] bytes, String message) throws IOException {
    Path file = Files.write(folder.resolve("model.gguf"), bytes);
    assertThatThrownBy(
            () -> GgufModel.write(file, folder.resolve("out"), WeightType.FLOAT32, part -> {}))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message)
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(Reason.INVALID_FOLDER);
  }

  @Test
  void whatIsNotReadIsRefusedByNameWithWhatIs() throws IOException {
    assertRefused(
        model("llama").with("general.architecture", "falcon"),
        "general.architecture: falcon (expected: one of [llama, qwen2, qwen3, gemma])");
    assertRefused(
        model("llama").with("tokenizer.ggml.pre", "deepseek-llm"),
        "tokenizer.ggml.pre: deepseek-llm (expected: one of [gpt-2, smollm,");
    assertRefused(
        model("llama").with("tokenizer.ggml.model", "t5"),
        "tokenizer.ggml.model: t5 (expected: one of [gpt2, llama])");
    assertRefused(
        model("llama").tensor("blk.0.attn_v.weight", 13, new byte[176], 1, 256),
        "tensor blk.0.attn_v.weight: type Q5_K (expected: one of [F32, F16, Q4_0,");
    assertRefused(model("llama").tensor("blk.0.attn_v.weight", 99, new byte[32], 4, 8), "type 99");
    assertRefused(
        model("llama").with("llama.rope.scaling.type", "longrope"),
        "llama.rope.scaling.type: longrope (expected: one of [none, linear, yarn])");
    assertRefused(model("llama").version(1), "version 1 (expected: 2 or 3)");
    assertRefused(
        "not a GGUF file, but long enough".getBytes(StandardCharsets.US_ASCII), "not a GGUF file");
  }

  @Test
  void aFileCutAnywhereIsRefused() throws IOException {
    byte[] whole = model("llama").bytes();
    for (int length = 0; length < whole.length; length += 97) {
      assertRefused(Arrays.copyOf(whole, length), "model.gguf: ");
    }
    assertRefused(Arrays.copyOf(whole, whole.length - 1), "reaches beyond the file");
  }

  @Test
  void countsThatNoFileHoldsAllocateNothing() throws IOException {
    assertRefused(model("llama").claiming(Long.MAX_VALUE, 3), "tensor count: 9223372036854775807");
    assertRefused(model("llama").claiming(1, -1L >>> 1), "metadata count: 9223372036854775807");
    byte[] long1 = model("llama").bytes();
    // the length of the first key, which follows magic, version and two counts
    Arrays.fill(long1, 24, 31, (byte) 0xFF);
    assertRefused(long1, "metadata[0].key: length: ");
    assertRefused(
        model("llama").tensor("blk.0.attn_v.weight", 0, new byte[128], 1L << 40, 1L << 40),
        "reaches beyond the file");
    assertRefused(
        model("llama").tensor("blk.0.attn_v.weight", 0, new byte[128], 1L << 40, 8),
        "tensor blk.0.attn_v.weight: offset");
  }

  @Test
  void offsetsThatOverlapOrAreNotAlignedAreRefused() throws IOException {
    assertRefused(model("llama").offset("blk.0.ffn_down.weight", 0), ": overlaps tensor ");
    assertRefused(
        model("llama").offset("blk.0.ffn_down.weight", 7), "offset 7 (expected: a multiple of 32)");
    assertRefused(model("llama").offset("blk.0.ffn_down.weight", -32), "offset -32");
    assertRefused(
        model("llama").offset("blk.0.ffn_down.weight", 1L << 40), "reaches beyond the file");
  }

  @Test
  void metadataAndTensorsThatDisagreeAreNamed() throws IOException {
    assertRefused(
        model("llama").withoutTensor("blk.0.ffn_up.weight").tensor("extra", new float[8], 8),
        "missing [blk.0.ffn_up.weight]; unexpected [extra]");
    assertRefused(
        model("llama").with("llama.feed_forward_length", 16),
        "tensor blk.0.ffn_gate.weight: shape [12, 8] (expected: [16, 8])");
    assertRefused(model("llama").without("llama.block_count"), "llama.block_count: absent");
    assertRefused(
        model("llama").with("llama.block_count", "one"),
        "llama.block_count: one (expected: a whole number)");
    assertRefused(
        model("llama").with("tokenizer.ggml.tokens", List.of("a", "a")), "token_type: 262");
    float[] norm = counting(8);
    norm[3] = Float.NaN;
    assertRefused(
        model("llama").tensor("output_norm.weight", norm, 8),
        "tensor output_norm.weight[3]: NaN (expected: finite)");
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(
            () ->
                GgufModel.write(
                    folder.resolve("absent.gguf"), folder, WeightType.FLOAT32, part -> {}))
        .hasMessageEndingWith("absent.gguf: the file is missing");
  }
}
