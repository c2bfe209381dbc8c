package io.ballast.inference.remote;

import static io.ballast.inference.remote.FakeOpenAiServer.ask;
import static io.ballast.inference.remote.FakeOpenAiServer.failure;
import static io.ballast.inference.remote.FakeOpenAiServer.send;
import static io.ballast.inference.remote.FakeOpenAiServer.vllm;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A completion as it is asked of servers that speak as vLLM, SGLang or llama.cpp do, and heard. */
class OpenAiDecoderTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private FakeOpenAiServer server;
  private OpenAiDecoder decoder;

  @BeforeEach
  void start() throws IOException {
    server = new FakeOpenAiServer();
    decoder = server.decoder(Duration.ofSeconds(20));
  }

  @AfterEach
  void stop() {
    decoder.close();
    server.close();
  }

  @Test
  void tokensArriveWithTheirLogProbabilities() throws IOException {
    server.events(vllm(100, -0.25, "c", "null"), vllm(101, -0.5, "d", "\"length\""), "[DONE]");
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
    JsonNode request = JSON.readTree(server.asked());
    assertThat(request.path("model").asText()).isEqualTo("m");
    assertThat(request.path("prompt")).isEqualTo(JSON.readTree("[98, 99]"));
    assertThat(request.path("seed").asLong()).isEqualTo(7);
    assertThat(request.path("max_tokens").asInt()).isEqualTo(2);
  }

  @Test
  void thePromptGoesAsIdsWithItsMarksAndItsBeginning() throws IOException {
    server.events(vllm(100, -0.25, "c", "\"length\""), "[DONE]");
    try (OpenAiDecoder marked =
        new OpenAiDecoder(
            server.settings("", Optional.empty(), Duration.ofSeconds(20)), new MarkedTokenizer())) {
      Generation generation =
          marked
              .generate(
                  new GenerationRequest("c<m>", false, 0, SamplingOptions.greedy(1)), token -> {})
              .result()
              .join();

      assertThat(JSON.readTree(server.asked()).path("prompt"))
          .isEqualTo(JSON.readTree("[258,100,259]"));
      assertThat(generation.promptTokens()).isEqualTo(TokenIds.of(258, 100, 259));
    }
  }

  @Test
  void defaultsOfTheServerOrItsModelShapeNothing() throws IOException {
    server.events(vllm(100, -0.25, "c", "\"length\""), "[DONE]");
    ask(decoder, SamplingOptions.builder().maxNewTokens(1).build()).result().join();

    JsonNode request = JSON.readTree(server.asked());
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
    server.answers(
        exchange -> {
          protocol.set(exchange.getProtocol());
          exchange.sendResponseHeaders(429, -1);
        });
    ModelException busy = failure(decoder, SamplingOptions.greedy(8));

    assertThat(busy.reason()).isEqualTo(Reason.OVERLOADED);
    assertThat(protocol.get()).isEqualTo("HTTP/1.1");
    assertThat(server.headers()).doesNotContainKeys("Upgrade", "Http2-settings");
  }

  @Test
  void aPathAndATokenOfTheServerAreHonoured() {
    server.at(
        "/prefix/v1/completions",
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          send(exchange, vllm(100, -0.25, "c", "\"length\""));
        });
    try (OpenAiDecoder other =
        new OpenAiDecoder(
            server.settings("/prefix/", Optional.of("secret"), Duration.ofSeconds(20)),
            new ByteTokenizer())) {
      Generation generation =
          other
              .generate(
                  new GenerationRequest("ab", false, 0, SamplingOptions.greedy(1)), token -> {})
              .result()
              .join();

      assertThat(generation.text()).isEqualTo("c");
      assertThat(server.headers().getFirst("Authorization")).isEqualTo("Bearer secret");
    }
  }

  @Test
  void theServersTokenIsLeftOutWhereThereIsNone() {
    server.events(vllm(100, -0.25, "c", "\"length\""));
    ask(decoder, SamplingOptions.greedy(1)).result().join();

    assertThat(server.headers()).doesNotContainKey("Authorization");
  }

  @Test
  void sglangTellsIdsBesideTheTexts() {
    server.events(
        """
        {"choices":[{"text":"cd","finish_reason":null,"matched_stop":null,"token_ids":[100,101],
         "logprobs":{"tokens":["c","d"],"token_logprobs":[-1.5,-2]}}]}"""
            .replace("\n", ""),
        """
        {"choices":[{"text":"","finish_reason":"stop","matched_stop":0,"token_ids":[0],
         "logprobs":{"tokens":[""],"token_logprobs":[-0.5]}}]}"""
            .replace("\n", ""),
        "[DONE]");

    Generation generation = ask(decoder, SamplingOptions.greedy(8)).result().join();

    assertThat(generation.tokens()).isEqualTo(TokenIds.of(100, 101));
    assertThat(generation.logProbs().toArray()).containsExactly(-1.5f, -2);
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void llamaCppTellsIdsInObjects() {
    server.events(
        """
        {"choices":[{"text":"c","finish_reason":null,"logprobs":{"content":[{"id":100,"token":"c","logprob":-1.5}]}}]}"""
            .strip(),
        "{\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\",\"logprobs\":null}]}",
        "[DONE]");

    Generation generation = ask(decoder, SamplingOptions.greedy(8)).result().join();

    assertThat(generation.tokens()).isEqualTo(TokenIds.of(100));
    assertThat(generation.logProbs().toArray()).containsExactly(-1.5f);
    assertThat(generation.samplingLogProbs().toArray()).as("greedy").containsExactly(0);
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void theEndOfTextIsNoPartOfTheCompletion() {
    server.events(vllm(100, -0.25, "c", "null"), vllm(0, -0.5, "", "\"stop\""), "[DONE]");

    Generation generation = ask(decoder, SamplingOptions.greedy(8)).result().join();

    assertThat(generation.tokens()).isEqualTo(TokenIds.of(100));
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void waysOfDrawingThatTheServerDoesNotTellAreRefusedByName() {
    assertThatThrownBy(
            () ->
                ask(
                    decoder,
                    SamplingOptions.builder().temperature(0).repetitionPenalty(1.1).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("repetition_penalty: 1.1 (expected: 1; ");
    assertThatThrownBy(() -> ask(decoder, SamplingOptions.builder().temperature(0.7).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("temperature: 0.7 (expected: 0 or 1; ");
    assertThatThrownBy(() -> ask(decoder, SamplingOptions.builder().topP(0.9).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("top_p: 0.9 (expected: 1; ");
    assertThatThrownBy(() -> decoder.logProbs(List.of()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("not of given texts");
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
