package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.ReportedWeights;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.TokenScores;
import io.ballast.inference.gguf.GgufBytes;
import io.ballast.inference.gguf.GgufModel;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.random.RandomGenerator;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same weights say the same here and behind a real llama.cpp server. */
class OpenAiDecoderIT {
  private static final int CONTEXT = 256;
  private static final int WIDTH = 64;
  private static final int INNER = 96;
  private static final int BEGINNING = 1;

  /** Nats; the server keeps keys and values in 16 bits. */
  private static final Offset<Float> GAP = within(0.03f);

  private static final List<String> TOKENS = tokens();
  private static final List<String> PROMPTS = List.of("in(int x)", "y = <mark>int 7;", "q");

  @TempDir private static Path folder;
  private static Path gguf;
  private static LlamaCppServer server;
  private static TorchDecoder here;
  private static OpenAiDecoder there;

  /** What ends a text is a token that the model draws, known from a model that never ends. */
  @BeforeAll
  static void serve() throws IOException {
    int end;
    try (TorchDecoder endless = load(write("endless", 0))) {
      end = generate(endless, PROMPTS.getLast(), SamplingOptions.greedy(9)).tokens().get(8);
    }
    gguf = write("served", end);
    here = load(gguf);
    server = new LlamaCppServer(gguf, CONTEXT);
    there =
        new OpenAiDecoder(
            new OpenAiSettings(
                server.address(), "any", Optional.empty(), CONTEXT, Duration.ofSeconds(60)),
            here.tokenizer());
  }

  @AfterAll
  static void stop() {
    there.close();
    server.close();
    here.close();
  }

  /** ASCII, of which the server tells each token: of a longer character it tells only the last. */
  private static List<String> tokens() {
    List<String> tokens = new ArrayList<>(List.of("<never>", "<begin>", "<mark>"));
    for (int c = 0; c < 128; c++) {
      tokens.add(Character.toString(c > ' ' && c < 127 ? c : c == 127 ? 289 : 256 + c));
    }
    tokens.addAll(List.of("in", "int", "Ġi"));
    return List.copyOf(tokens);
  }

  private static Path write(String name, int end) throws IOException {
    RandomGenerator random = new SplittableRandom(5);
    List<Integer> types = new ArrayList<>();
    for (int id = 0; id < TOKENS.size(); id++) {
      types.add(id < 3 || id == end ? 3 : 1); // what ends a text is a control token
    }
    GgufBytes bytes =
        new GgufBytes()
            .with("general.architecture", "llama")
            .with("llama.block_count", 2)
            .with("llama.context_length", CONTEXT)
            .with("llama.embedding_length", WIDTH)
            .with("llama.feed_forward_length", INNER)
            .with("llama.attention.head_count", 2)
            .with("llama.attention.head_count_kv", 1)
            .with("llama.rope.freq_base", 10_000f)
            .with("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .with("tokenizer.ggml.model", "gpt2")
            .with("tokenizer.ggml.pre", "smollm")
            .with("tokenizer.ggml.tokens", TOKENS)
            .with("tokenizer.ggml.token_type", types)
            .with("tokenizer.ggml.merges", List.of("i n", "in t", "Ġ i"))
            .with("tokenizer.ggml.add_bos_token", true)
            .with("tokenizer.ggml.bos_token_id", BEGINNING)
            .with("tokenizer.ggml.eos_token_id", end)
            .tensor(
                "token_embd.weight",
                numbers(random, TOKENS.size(), WIDTH, 0.25),
                TOKENS.size(),
                WIDTH)
            .tensor("output_norm.weight", ones(), WIDTH);
    for (int i = 0; i < 2; i++) {
      String block = "blk." + i + ".";
      double std = 1.5 / Math.sqrt(WIDTH);
      bytes
          .tensor(block + "attn_norm.weight", ones(), WIDTH)
          .tensor(block + "ffn_norm.weight", ones(), WIDTH)
          .tensor(block + "attn_q.weight", numbers(random, WIDTH, WIDTH, std), WIDTH, WIDTH)
          .tensor(block + "attn_k.weight", numbers(random, WIDTH / 2, WIDTH, std), WIDTH / 2, WIDTH)
          .tensor(block + "attn_v.weight", numbers(random, WIDTH / 2, WIDTH, std), WIDTH / 2, WIDTH)
          .tensor(block + "attn_output.weight", numbers(random, WIDTH, WIDTH, std), WIDTH, WIDTH)
          .tensor(block + "ffn_gate.weight", numbers(random, INNER, WIDTH, std), INNER, WIDTH)
          .tensor(block + "ffn_up.weight", numbers(random, INNER, WIDTH, std), INNER, WIDTH)
          .tensor(block + "ffn_down.weight", numbers(random, WIDTH, INNER, std), WIDTH, INNER);
    }
    return bytes.write(folder.resolve(name + ".gguf"));
  }

  private static float[] ones() {
    float[] ones = new float[WIDTH];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static float[] numbers(RandomGenerator random, int rows, int columns, double std) {
    float[] numbers = new float[rows * columns];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian(0, std);
    }
    return numbers;
  }

  private static TorchDecoder load(Path file) throws IOException {
    Path model = Files.createDirectory(folder.resolve(file.getFileName() + "-folder"));
    GgufModel.write(file, model, WeightType.FLOAT32, part -> {});
    return TorchDecoder.load(model, new ServingOptions(Arithmetic.FLOAT32, 4, 8, 64));
  }

  private static Generation generate(Decoder decoder, String prompt, SamplingOptions options) {
    return decoder
        .generate(new GenerationRequest(prompt, false, 0, options), token -> {})
        .result()
        .join();
  }

  /** Draws in both, compares, and returns what came. */
  private static Generation same(String prompt, SamplingOptions options) {
    Generation expected = generate(here, prompt, options);
    Generation generation = generate(there, prompt, options);
    assertThat(generation.promptTokens()).isEqualTo(expected.promptTokens());
    assertThat(generation.tokens()).isEqualTo(expected.tokens());
    assertThat(generation.text()).isEqualTo(expected.text());
    assertThat(generation.stopReason()).isEqualTo(expected.stopReason());
    assertThat(generation.samplingLogProbs()).isEqualTo(expected.samplingLogProbs());
    for (int i = 0; i < generation.tokens().size(); i++) {
      assertThat(generation.logProbs().toArray()[i])
          .isCloseTo(expected.logProbs().toArray()[i], GAP);
    }
    return generation;
  }

  @Test
  void theLikeliestTokensAreThoseOfTheEmbeddedDecoder() {
    for (String prompt : PROMPTS.subList(0, 2)) {
      Generation generation = same(prompt, SamplingOptions.greedy(24));
      assertThat(generation.tokens().size()).isPositive();
      assertThat(generation.promptTokens().get(0)).isEqualTo(BEGINNING);
    }
    assertThat(generate(there, PROMPTS.get(1), SamplingOptions.greedy(1)).promptTokens().toArray())
        .as("a mark is one token")
        .contains(2);
  }

  @Test
  void aLongPromptIsCutInTheSamePlace() {
    Generation generation = same("int x; ".repeat(100), SamplingOptions.greedy(4));

    assertThat(generation.promptTokens().size()).isEqualTo(CONTEXT - 4);
  }

  @Test
  void theModelEndsItsText() {
    Generation generation = same(PROMPTS.getLast(), SamplingOptions.greedy(24));

    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void aStopStringEndsTheTextBeforeIt() {
    String whole = generate(here, PROMPTS.getFirst(), SamplingOptions.greedy(6)).text();
    SamplingOptions options =
        SamplingOptions.builder()
            .temperature(0)
            .maxNewTokens(24)
            .stopStrings(List.of("\u0000never", whole.substring(2, 4)))
            .build();

    assertThat(same(PROMPTS.getFirst(), options).stopReason()).isEqualTo(StopReason.STOP_STRING);
  }

  @Test
  void aStopTokenEndsTheTextAlthoughTheServerKnowsNone() {
    TokenIds whole = generate(here, PROMPTS.getFirst(), SamplingOptions.greedy(6)).tokens();
    SamplingOptions options =
        SamplingOptions.builder()
            .temperature(0)
            .maxNewTokens(24)
            .stopTokenIds(List.of(whole.get(4)))
            .build();

    assertThat(same(PROMPTS.getFirst(), options).stopReason()).isEqualTo(StopReason.STOP_TOKEN);
  }

  @Test
  void tokensAreDrawnFromAllOfTheDistribution() {
    // by default the server draws from the 40 likeliest, and from less than that
    int unlikely = 0;
    for (int seed = 0; seed < 4; seed++) {
      Generation generation =
          generate(there, "int", SamplingOptions.builder().maxNewTokens(32).seed(seed).build());
      TokenScores scores =
          here.tokenScores(
                  List.of(new PromptAndCompletion(generation.promptTokens(), generation.tokens())),
                  40)
              .getFirst();
      for (int i = 0; i < generation.tokens().size(); i++) {
        int token = generation.tokens().get(i);
        if (scores.alternatives().get(i).stream().noneMatch(a -> a.tokenId() == token)) {
          unlikely++;
        }
        assertThat(generation.samplingLogProbs().toArray()[i])
            .isCloseTo(scores.logProbs().toArray()[i], GAP);
      }
    }
    assertThat(unlikely).isPositive();
  }

  @Test
  void aCallerThatLeavesKeepsWhatCame() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(2);
    GenerationHandle handle =
        there.generate(
            new GenerationRequest(PROMPTS.getFirst(), false, 0, SamplingOptions.greedy(200)),
            token -> second.countDown());
    second.await();

    handle.cancel();

    Generation generation = handle.result().join();
    assertThat(generate(here, PROMPTS.getFirst(), SamplingOptions.greedy(200)).text())
        .startsWith(generation.text());
  }

  @Test
  void whereItsWeightsWereReadIsWhatTheServerTells() {
    assertThat(there.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.empty(), Optional.of(gguf.toString())));
  }

  @Test
  void aPromptThatTheServerHasNoRoomForIsBroken() {
    try (OpenAiDecoder mistaken =
        new OpenAiDecoder(
            new OpenAiSettings(
                server.address(), "any", Optional.empty(), 4 * CONTEXT, Duration.ofSeconds(60)),
            here.tokenizer())) {
      CompletionException thrown =
          catchThrowableOfType(
              CompletionException.class,
              () -> generate(mistaken, "int x; ".repeat(100), SamplingOptions.greedy(4)));
      ModelException cause = (ModelException) Objects.requireNonNull(thrown.getCause());
      assertThat(cause.reason()).isEqualTo(Reason.BROKEN);
      assertThat(cause).hasMessageContaining("HTTP 400").hasMessageContaining("context size");
    }
  }
}
