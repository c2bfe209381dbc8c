package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.Activation;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderFamily;
import io.ballast.inference.torch.FamilyFolders;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.RopeScaling;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TinyTokenizer;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.triton.export.DecoderConvention;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.testing.RealTriton;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every family of decoders draws on a real Triton, exported, what the embedded engine draws with
 * the same weights: random ones, of a shape in which the family's peculiarities are all to be seen.
 */
class ExportedFamiliesIT {
  private static final String SPOILED = "spoiled";
  private static final String IDS = "ids";
  private static final int CONTEXT = 64;

  /** More than the tokenizer knows, as many models have: those are never drawn. */
  private static final int VOCABULARY = TinyTokenizer.vocabularySize() + 60;

  private static final float TOLERANCE = 1e-4f;
  private static final List<String> PROMPTS =
      List.of("x", "print(in);", "println();  in é €", "int a = b + c; ".repeat(3));
  private static final Map<String, DecoderConfig> CONFIGS = configs();

  @TempDir private static Path folder;
  private static RealTriton server;
  private static KServeConnection connection;

  private static Map<String, DecoderConfig> configs() {
    Map<String, DecoderConfig> configs = new TreeMap<>();
    for (DecoderFamily family : DecoderFamily.values()) {
      DecoderConfig config = FamilyFolders.config(family);
      configs.put(family.modelType(), config(config, config.activation()));
    }
    configs.put("llama-exact-gelu", config(FamilyFolders.biasedLlama(), Activation.GELU));
    DecoderConfig llama = FamilyFolders.config(DecoderFamily.LLAMA);
    configs.put(
        "llama-stretched",
        config(
            FamilyFolders.withRope(llama, new RopeScaling.Llama3(8, 1, 4, 16)),
            llama.activation()));
    configs.put(
        "qwen3-yarn",
        config(
            FamilyFolders.withRope(
                FamilyFolders.config(DecoderFamily.QWEN3),
                new RopeScaling.Yarn(4, 16, 32, 1, 1.14, true)),
            Activation.SILU));
    return configs;
  }

  private static DecoderConfig config(DecoderConfig config, Activation activation) {
    return FamilyFolders.with(config, VOCABULARY, CONTEXT, activation);
  }

  @BeforeAll
  static void export() throws IOException {
    Path repository = folder.resolve("repository");
    TritonExport export = new TritonExport(repository, ExportOptions.defaults());
    long seed = 31;
    for (Map.Entry<String, DecoderConfig> model : CONFIGS.entrySet()) {
      Path weights = FamilyFolders.write(folder.resolve(model.getKey()), model.getValue(), seed++);
      TinyTokenizer.write(weights);
      export.decoder(model.getKey(), List.of(new Version(1, weights)));
    }
    DecoderConfig mistral = FamilyFolders.config(DecoderFamily.MISTRAL);
    DecoderConfig untied = config(mistral, mistral.activation());
    Path weights = FamilyFolders.write(folder.resolve(SPOILED), untied, seed);
    TinyTokenizer.write(weights);
    Path entry = export.decoder(SPOILED, List.of(new Version(1, weights)));
    // what is not finite is not exported: it becomes so afterwards
    FamilyFolders.writeSpoiled(entry.resolve("1"), untied, seed, 1 + 'Z');
    export.decoder(
        IDS, List.of(new Version(1, folder.resolve("llama"))), DecoderConvention.TENSORRT_LLM);
    List<String> names = new ArrayList<>(CONFIGS.keySet());
    names.addAll(List.of(SPOILED, IDS));
    server = RealTriton.start(repository, names.toArray(String[]::new));
    connection = KServeConnection.open(server.address(), KServeSettings.defaults());
    ModelStore.deleteAll(repository);
  }

  @AfterAll
  static void close() {
    connection.close();
    server.close();
  }

  static Iterable<String> models() {
    return CONFIGS.keySet();
  }

  private static Map<String, Generation> greedy(Decoder decoder) {
    Map<String, GenerationHandle> handles = new LinkedHashMap<>();
    for (String prompt : PROMPTS) {
      handles.put(
          prompt,
          decoder.generate(
              new GenerationRequest(prompt, false, 0, SamplingOptions.greedy(12)), token -> {}));
    }
    Map<String, Generation> generations = new LinkedHashMap<>();
    handles.forEach(
        (prompt, handle) ->
            generations.put(prompt, handle.result().orTimeout(60, TimeUnit.SECONDS).join()));
    return generations;
  }

  /** One weight is no number: who meets it fails, and nobody who draws beside it. */
  @Test
  void whoMeetsANumberThatIsNoneFailsAlone() {
    SamplingOptions options = SamplingOptions.greedy(12);
    try (HuggingFaceTokenizerAdapter tokenizer =
            HuggingFaceTokenizerAdapter.ofFolder(folder.resolve(SPOILED));
        Decoder decoder =
            VllmDecoder.open(
                connection.client(), new ServedModel(SPOILED, "1"), tokenizer, CONTEXT)) {
      GenerationRequest clean = new GenerationRequest("print(in);", false, 0, options);
      Generation alone =
          decoder.generate(clean, token -> {}).result().orTimeout(60, TimeUnit.SECONDS).join();
      List<GenerationHandle> handles = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        handles.add(
            decoder.generate(
                i % 3 == 0 ? new GenerationRequest("x = Z" + i, false, 0, options) : clean,
                token -> {}));
      }
      for (int i = 0; i < handles.size(); i++) {
        CompletableFuture<Generation> result =
            handles.get(i).result().orTimeout(60, TimeUnit.SECONDS);
        if (i % 3 == 0) {
          assertThatThrownBy(result::join)
              .hasMessageContaining("ArithmeticError: logits that are not finite");
        } else {
          assertThat(result.join().tokens()).isEqualTo(alone.tokens());
        }
      }
    }
  }

  /** The model knows the id and its tokenizer does not: it may be read, and is never drawn. */
  @Test
  void anIdWithoutATextMayStandInAPromptOfIds() {
    List<Long> one = List.of(1L, 1L);
    InferRequest request =
        InferRequest.of(new ServedModel(IDS, "1"))
            .input(Tensor.ints("input_ids", List.of(1L, 2L), VOCABULARY - 1, 5))
            .input(Tensor.ints("input_lengths", one, 2))
            .input(Tensor.ints("request_output_len", one, 4))
            .input(Tensor.ints("runtime_top_k", one, 1))
            .input(Tensor.floats("repetition_penalty", one, 1.5f))
            .build();
    try (InferStream stream = connection.client().stream(request)) {
      int[] ids = stream.next().orElseThrow().output("output_ids").ints();
      assertThat(ids).startsWith(VOCABULARY - 1, 5);
      assertThat(ids.length).isBetween(2, 6);
      for (int i = 2; i < ids.length; i++) {
        assertThat(ids[i]).isBetween(0, TinyTokenizer.vocabularySize() - 1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void itDrawsWhatTheEmbeddedEngineDraws(String model) {
    Path weights = folder.resolve(model);
    try (TorchDecoder embedded =
            TorchDecoder.load(weights, new ServingOptions(Arithmetic.FLOAT32, 4, 8, 64));
        HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(weights);
        Decoder exported =
            VllmDecoder.open(
                connection.client(), new ServedModel(model, "1"), tokenizer, CONTEXT)) {
      Map<String, Generation> expected = greedy(embedded);
      Map<String, Generation> found = greedy(exported);
      for (String prompt : PROMPTS) {
        Generation here = Objects.requireNonNull(expected.get(prompt));
        Generation there = Objects.requireNonNull(found.get(prompt));
        assertThat(there.tokens()).as("after '%s'", prompt).isEqualTo(here.tokens());
        assertThat(there.text()).isEqualTo(here.text());
        assertThat(there.stopReason()).isEqualTo(here.stopReason());
        assertThat(there.promptTokens()).isEqualTo(here.promptTokens());
        assertThat(there.logProbs().toArray())
            .usingComparatorWithPrecision(TOLERANCE)
            .containsExactly(here.logProbs().toArray());
      }
      assertThat(new ArrayList<>(found.values()))
          .anySatisfy(generation -> assertThat(generation.tokens().size()).isEqualTo(12));
    }
  }
}
