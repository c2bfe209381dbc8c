package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.ReportedWeights;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A decoder behind an HTTP server that speaks as vLLM or llama.cpp do. */
class OpenAiDecoderTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final AtomicReference<String> asked = new AtomicReference<>("");
  private final AtomicReference<Headers> headers = new AtomicReference<>(new Headers());
  private HttpServer server;
  private OpenAiDecoder decoder;
  private Answer answer = exchange -> {};

  /** What the server does with a request. */
  private interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/v1/completions",
        exchange -> {
          headers.set(exchange.getRequestHeaders());
          asked.set(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          answer.to(exchange);
          exchange.close();
        });
    server.start();
    decoder = decoder(Duration.ofSeconds(20));
  }

  @AfterEach
  void stop() {
    decoder.close();
    server.stop(0);
  }

  private OpenAiDecoder decoder(Duration deadline) {
    return new OpenAiDecoder(settings("", Optional.empty(), deadline), new ByteTokenizer());
  }

  private OpenAiSettings settings(String path, Optional<String> token, Duration deadline) {
    return new OpenAiSettings(
        URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path),
        "m",
        token,
        64,
        deadline);
  }

  /** Answers a question that is no completion. */
  private void says(String path, String json) {
    server.createContext(
        path,
        exchange -> {
          byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
  }

  private void events(String... events) {
    answer =
        exchange -> {
          exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
          exchange.sendResponseHeaders(200, 0);
          for (String event : events) {
            send(exchange, event);
          }
        };
  }

  private static void send(HttpExchange exchange, String event) throws IOException {
    exchange.getResponseBody().write(("data: " + event + "\n\n").getBytes(StandardCharsets.UTF_8));
    exchange.getResponseBody().flush();
  }

  /** As vLLM tells a token when asked for ids. */
  private static String vllm(int id, double logProb, String text, String finish) {
    return """
        {"choices":[{"text":"%s","finish_reason":%s,
         "logprobs":{"tokens":["token_id:%d"],"token_logprobs":[%s]}}]}"""
        .formatted(text, finish, id, logProb)
        .replace("\n", "");
  }

  private GenerationHandle ask(SamplingOptions options) {
    return decoder.generate(new GenerationRequest("ab", false, 0, options), token -> {});
  }

  private ModelException failure(SamplingOptions options) {
    CompletionException thrown =
        catchThrowableOfType(CompletionException.class, () -> ask(options).result().join());
    return (ModelException) Objects.requireNonNull(thrown.getCause());
  }

  @Test
  void tokensArriveWithTheirLogProbabilities() throws IOException {
    events(vllm(100, -0.25, "c", "null"), vllm(101, -0.5, "d", "\"length\""), "[DONE]");
    List<GeneratedToken> tokens = new ArrayList<>();

    Generation generation =
        decoder
            .generate(
                new GenerationRequest(
                    "ab", false, 0, SamplingOptions.builder().maxNewTokens(2).seed(7).build()),
                tokens::add)
            .result()
            .join();

    assertThat(generation.text()).isEqualTo("cd");
    assertThat(generation.tokens()).isEqualTo(TokenIds.of(100, 101));
    assertThat(generation.logProbs().toArray()).containsExactly(-0.25f, -0.5f);
    assertThat(generation.samplingLogProbs().toArray()).containsExactly(-0.25f, -0.5f);
    assertThat(generation.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    assertThat(tokens).extracting(GeneratedToken::text).containsExactly("c", "d");
    JsonNode request = JSON.readTree(asked.get());
    assertThat(request.path("model").asText()).isEqualTo("m");
    assertThat(request.path("prompt")).isEqualTo(JSON.readTree("[98, 99]"));
    assertThat(request.path("seed").asLong()).isEqualTo(7);
    assertThat(request.path("max_tokens").asInt()).isEqualTo(2);
  }

  @Test
  void thePromptGoesAsIdsWithItsMarksAndItsBeginning() throws IOException {
    events(vllm(100, -0.25, "c", "\"length\""), "[DONE]");
    try (OpenAiDecoder marked =
        new OpenAiDecoder(
            settings("", Optional.empty(), Duration.ofSeconds(20)), new MarkedTokenizer())) {
      Generation generation =
          marked
              .generate(
                  new GenerationRequest("c<m>", false, 0, SamplingOptions.greedy(1)), token -> {})
              .result()
              .join();

      assertThat(JSON.readTree(asked.get()).path("prompt"))
          .isEqualTo(JSON.readTree("[258,100,259]"));
      assertThat(generation.promptTokens()).isEqualTo(TokenIds.of(258, 100, 259));
    }
  }

  @Test
  void defaultsOfTheServerOrItsModelShapeNothing() throws IOException {
    events(vllm(100, -0.25, "c", "\"length\""), "[DONE]");
    ask(SamplingOptions.builder().maxNewTokens(1).build()).result().join();

    JsonNode request = JSON.readTree(asked.get());
    assertThat(request.path("temperature").asDouble()).isEqualTo(1);
    assertThat(request.path("top_k").asInt()).isEqualTo(-1);
    assertThat(request.path("top_p").asDouble()).isEqualTo(1);
    assertThat(request.path("min_p").asDouble(9)).isEqualTo(0);
    assertThat(request.path("repetition_penalty").asDouble()).isEqualTo(1);
    assertThat(request.path("repeat_penalty").asDouble()).isEqualTo(1);
    assertThat(request.path("presence_penalty").asDouble(9)).isEqualTo(0);
    assertThat(request.path("frequency_penalty").asDouble(9)).isEqualTo(0);
  }

  @Test
  void theProtocolIsPlainHttp11() {
    AtomicReference<String> protocol = new AtomicReference<>("");
    answer =
        exchange -> {
          protocol.set(exchange.getProtocol());
          exchange.sendResponseHeaders(429, -1);
        };
    ModelException busy = failure(SamplingOptions.greedy(8));

    assertThat(busy.reason()).isEqualTo(Reason.OVERLOADED);
    assertThat(protocol.get()).isEqualTo("HTTP/1.1");
    assertThat(headers.get()).doesNotContainKeys("Upgrade", "Http2-settings");
  }

  @Test
  void aPathAndATokenOfTheServerAreHonoured() {
    server.createContext(
        "/prefix/v1/completions",
        exchange -> {
          headers.set(exchange.getRequestHeaders());
          exchange.sendResponseHeaders(200, 0);
          send(exchange, vllm(100, -0.25, "c", "\"length\""));
          exchange.close();
        });
    try (OpenAiDecoder other =
        new OpenAiDecoder(
            settings("/prefix/", Optional.of("secret"), Duration.ofSeconds(20)),
            new ByteTokenizer())) {
      Generation generation =
          other
              .generate(
                  new GenerationRequest("ab", false, 0, SamplingOptions.greedy(1)), token -> {})
              .result()
              .join();

      assertThat(generation.text()).isEqualTo("c");
      assertThat(headers.get().getFirst("Authorization")).isEqualTo("Bearer secret");
    }
  }

  @Test
  void theServersTokenIsLeftOutWhereThereIsNone() {
    events(vllm(100, -0.25, "c", "\"length\""));
    ask(SamplingOptions.greedy(1)).result().join();

    assertThat(headers.get()).doesNotContainKey("Authorization");
  }

  @Test
  void sglangTellsIdsBesideTheTexts() {
    events(
        """
        {"choices":[{"text":"cd","finish_reason":null,"matched_stop":null,"token_ids":[100,101],
         "logprobs":{"tokens":["c","d"],"token_logprobs":[-1.5,-2]}}]}"""
            .replace("\n", ""),
        """
        {"choices":[{"text":"","finish_reason":"stop","matched_stop":0,"token_ids":[0],
         "logprobs":{"tokens":[""],"token_logprobs":[-0.5]}}]}"""
            .replace("\n", ""),
        "[DONE]");

    Generation generation = ask(SamplingOptions.greedy(8)).result().join();

    assertThat(generation.tokens()).isEqualTo(TokenIds.of(100, 101));
    assertThat(generation.logProbs().toArray()).containsExactly(-1.5f, -2);
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void llamaCppTellsIdsInObjects() {
    events(
        """
        {"choices":[{"text":"c","finish_reason":null,"logprobs":{"content":[{"id":100,"token":"c","logprob":-1.5}]}}]}"""
            .strip(),
        "{\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\",\"logprobs\":null}]}",
        "[DONE]");

    Generation generation = ask(SamplingOptions.greedy(8)).result().join();

    assertThat(generation.tokens()).isEqualTo(TokenIds.of(100));
    assertThat(generation.logProbs().toArray()).containsExactly(-1.5f);
    assertThat(generation.samplingLogProbs().toArray()).as("greedy").containsExactly(0);
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void theEndOfTextIsNoPartOfTheCompletion() {
    events(vllm(100, -0.25, "c", "null"), vllm(0, -0.5, "", "\"stop\""), "[DONE]");

    Generation generation = ask(SamplingOptions.greedy(8)).result().join();

    assertThat(generation.tokens()).isEqualTo(TokenIds.of(100));
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void aServerThatTellsNoIdsIsRefusedNotGuessedAt() {
    events(
        "{\"choices\":[{\"text\":\"c\",\"finish_reason\":null,\"logprobs\":{\"tokens\":[\"c\"],\"token_logprobs\":[-1]}}]}");
    assertThat(failure(SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.BROKEN);

    events("{\"choices\":[{\"text\":\"c\",\"finish_reason\":null,\"logprobs\":null}]}");
    ModelException untold = failure(SamplingOptions.greedy(8));
    assertThat(untold.reason()).as("no caller is at fault").isEqualTo(Reason.BROKEN);
    assertThat(untold)
        .hasMessageStartingWith(
            subject() + "the server tells no ids and log-probabilities of its tokens, for which")
        .hasMessageContaining("(expected: a server, or a newer release of it, that answers them");
  }

  private String subject() {
    return "model 'm' at http://127.0.0.1:%d: ".formatted(server.getAddress().getPort());
  }

  @Test
  void whatCannotBeSoIsBroken() {
    events(vllm(257, -1, "c", "null"));
    assertThat(failure(SamplingOptions.greedy(8)))
        .hasMessage(subject() + "token 0: 257 is not in the tokenizer's vocabulary of 257");
    events(vllm(100, 0.5, "c", "null"));
    assertThat(failure(SamplingOptions.greedy(8)))
        .hasMessage(subject() + "token 0: log-probability 0.5 (expected: finite, ≤ 0)");
    events(vllm(100, -1, "c", "null"), vllm(100, -1, "c", "null"));
    assertThat(failure(SamplingOptions.greedy(1)).reason()).isEqualTo(Reason.BROKEN);
    events(vllm(100, -1, "c", "null"), "[DONE]");
    assertThat(failure(SamplingOptions.greedy(8)))
        .hasMessage(subject() + "the back end stopped after 1 tokens without saying why");
  }

  @Test
  void theServersRefusalsHaveReasons() {
    answer = exchange -> exchange.sendResponseHeaders(429, -1);
    assertThat(failure(SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.OVERLOADED);
    answer = exchange -> exchange.sendResponseHeaders(404, -1);
    assertThat(failure(SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.UNAVAILABLE);
    answer = exchange -> exchange.sendResponseHeaders(500, -1);
    assertThat(failure(SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.BROKEN);
    server.stop(0);
    assertThat(failure(SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.UNAVAILABLE);
  }

  @Test
  void aCallerThatLeavesKeepsWhatCame() throws InterruptedException {
    CountDownLatch left = new CountDownLatch(1);
    answer =
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          send(exchange, vllm(100, -0.25, "c", "null"));
          try {
            left.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    CountDownLatch first = new CountDownLatch(1);
    GenerationHandle handle =
        decoder.generate(
            new GenerationRequest("ab", false, 0, SamplingOptions.greedy(8)),
            token -> first.countDown());
    first.await();

    handle.cancel();

    Generation generation = handle.result().join();
    left.countDown();
    assertThat(generation.text()).isEqualTo("c");
    assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
  }

  @Test
  void aServerThatKeepsSilentIsUnavailableAtTheDeadline() {
    CountDownLatch over = new CountDownLatch(1);
    answer =
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          send(exchange, vllm(100, -0.25, "c", "null"));
          try {
            over.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    try (OpenAiDecoder hasty = decoder(Duration.ofMillis(300))) {
      GenerationHandle handle =
          hasty.generate(
              new GenerationRequest("ab", false, 0, SamplingOptions.greedy(8)), token -> {});

      assertThatExceptionOfType(CompletionException.class)
          .isThrownBy(() -> handle.result().join())
          .withMessageContaining("not done within PT0.3S");
    } finally {
      over.countDown();
    }
  }

  @Test
  void whoWaitsForTheResultDoesNotGoOnInTheTimersThread() {
    CountDownLatch over = new CountDownLatch(1);
    answer =
        exchange -> {
          try {
            over.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    try (OpenAiDecoder hasty = decoder(Duration.ofMillis(300))) {
      Thread thread =
          hasty
              .generate(
                  new GenerationRequest("ab", false, 0, SamplingOptions.greedy(8)), token -> {})
              .result()
              .handle((generation, failure) -> Thread.currentThread())
              .join();

      assertThat(thread.isVirtual()).isTrue();
    } finally {
      over.countDown();
    }
  }

  @Test
  void aServerThatNamesItsWeightsIsHeard() {
    says("/model_info", "{\"weight_version\":\"step-7\",\"model_path\":\"/models/m/3\"}");

    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.of("step-7"), Optional.of("/models/m/3")));
  }

  @Test
  void weightsThatNobodyNamedHaveNoVersion() {
    says("/get_model_info", "{\"weight_version\":\"default\",\"model_path\":\"/models/m/3\"}");

    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.empty(), Optional.of("/models/m/3")));
  }

  @Test
  void whereWeightsWereReadIsAskedInTheWaysOfVllmAndLlamaCpp() {
    says("/props", "{\"model_path\":\"/models/m.gguf\"}");
    assertThat(decoder.reportedWeights().source()).contains("/models/m.gguf");

    says(
        "/v1/models",
        "{\"data\":[{\"id\":\"n\",\"root\":\"/n\"},{\"id\":\"m\",\"root\":\"/models/m/4\"}]}");
    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.empty(), Optional.of("/models/m/4")));
  }

  @Test
  void aServerThatSaysNothingOfItsWeightsIsNotGuessedAt() {
    says("/model_info", "<html>");

    assertThat(decoder.reportedWeights()).isEqualTo(ReportedWeights.nothing());

    server.stop(0);
    assertThatThrownBy(() -> decoder.reportedWeights())
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE));
  }

  @Test
  void pathsThatAreForSomethingElseAreNoAnswer() {
    status("/model_info", 405);
    status("/get_model_info", 501);
    says("/v1/models", "{\"data\":[{\"id\":\"m\",\"root\":\"/models/m/4\"}]}");

    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.empty(), Optional.of("/models/m/4")));
  }

  @Test
  void aServerThatRefusesToSayIsNotTakenForOneThatSaysNothing() {
    status("/model_info", 401);

    assertThatThrownBy(() -> decoder.reportedWeights())
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessageEndingWith("HTTP 401: ");
  }

  @Test
  void anAnswerThatNeverEndsIsUnavailable() {
    CountDownLatch over = new CountDownLatch(1);
    server.createContext(
        "/model_info",
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write('{');
          exchange.getResponseBody().flush();
          await(over);
          exchange.close();
        });
    try (OpenAiDecoder hasty = decoder(Duration.ofMillis(300))) {
      assertThatThrownBy(hasty::reportedWeights)
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE))
          .hasMessageEndingWith("not answered within PT0.3S");
    } finally {
      over.countDown();
    }
  }

  @Test
  void anAnswerWithoutMeasureIsNotKept() {
    says("/model_info", "{\"model_path\":\"" + "x".repeat(1 << 20) + "\"}");

    assertThatThrownBy(() -> decoder.reportedWeights())
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE));
  }

  private void status(String path, int status) {
    server.createContext(
        path,
        exchange -> {
          exchange.sendResponseHeaders(status, -1);
          exchange.close();
        });
  }

  @Test
  void anEventThatIsNoJsonIsBroken() {
    events("{");
    assertThat(failure(SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.BROKEN);
  }

  @Test
  void anEventWithoutEndIsBroken() {
    answer =
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          byte[] piece = "data: ".repeat(10_000).getBytes(StandardCharsets.UTF_8);
          while (true) { // until the decoder hangs up
            exchange.getResponseBody().write(piece);
          }
        };

    assertThat(failure(SamplingOptions.greedy(8)))
        .hasMessageEndingWith("a line of more than 1,052,672 characters") // 2²⁰ + 64 · 64
        .extracting(ModelException::reason)
        .isEqualTo(Reason.BROKEN);
  }

  @Test
  void aRefusalWhoseWordsNeverComeEndsAtTheDeadlineAndLeavesNobodyReading()
      throws InterruptedException {
    CountDownLatch hungUp = new CountDownLatch(1);
    CountDownLatch failed = new CountDownLatch(1);
    answer =
        exchange -> {
          exchange.sendResponseHeaders(500, 0);
          exchange.getResponseBody().flush();
          await(failed);
          try {
            while (true) { // until nobody reads
              exchange.getResponseBody().write(new byte[1]);
              exchange.getResponseBody().flush();
            }
          } catch (IOException e) {
            hungUp.countDown();
            throw e;
          }
        };
    try (OpenAiDecoder hasty = decoder(Duration.ofMillis(300))) {
      GenerationHandle handle =
          hasty.generate(
              new GenerationRequest("ab", false, 0, SamplingOptions.greedy(8)), token -> {});

      assertThatExceptionOfType(CompletionException.class)
          .isThrownBy(() -> handle.result().join())
          .withMessageContaining("not done within PT0.3S");
      failed.countDown();
      assertThat(hungUp.await(20, TimeUnit.SECONDS)).as("before the decoder is closed").isTrue();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void waysOfDrawingThatTheServerDoesNotTellAreRefusedByName() {
    assertThatThrownBy(
            () -> ask(SamplingOptions.builder().temperature(0).repetitionPenalty(1.1).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("repetition_penalty: 1.1 (expected: 1; ");
    assertThatThrownBy(() -> ask(SamplingOptions.builder().temperature(0.7).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("temperature: 0.7 (expected: 0 or 1; ");
    assertThatThrownBy(() -> ask(SamplingOptions.builder().topP(0.9).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("top_p: 0.9 (expected: 1; ");
    assertThatThrownBy(() -> decoder.logProbs(List.of()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("not of given texts");
  }

  @Test
  void aClosedDecoderSaysSo() {
    decoder.close();

    assertThatThrownBy(() -> ask(SamplingOptions.greedy(8)))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("closed");
  }

  @Test
  void whatTheEndpointDoesNotTellIsUnsupportedByName() {
    assertThatThrownBy(() -> decoder.tokenScores(List.of(), 1))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.UNSUPPORTED))
        .hasMessage("entropies and alternatives of tokens");
  }
}
