package io.ballast.inference.remote;

import static io.ballast.inference.remote.FakeOpenAiServer.failure;
import static io.ballast.inference.remote.FakeOpenAiServer.vllm;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a server of completions refuses, or says that cannot be so, fails with its reason. */
class OpenAiDecoderFailureTest {
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
  void aServerThatTellsNoIdsIsRefusedNotGuessedAt() {
    server.events(
        "{\"choices\":[{\"text\":\"c\",\"finish_reason\":null,\"logprobs\":{\"tokens\":[\"c\"],\"token_logprobs\":[-1]}}]}");
    assertThat(failure(decoder, SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.BROKEN);

    server.events("{\"choices\":[{\"text\":\"c\",\"finish_reason\":null,\"logprobs\":null}]}");
    ModelException untold = failure(decoder, SamplingOptions.greedy(8));
    assertThat(untold.reason()).as("no caller is at fault").isEqualTo(Reason.BROKEN);
    assertThat(untold)
        .hasMessageStartingWith(
            "model 'm': the server tells no ids and log-probabilities of its tokens, for which")
        .hasMessageContaining("(expected: a server, or a newer release of it, that answers them");
  }

  @Test
  void whatCannotBeSoIsBroken() {
    server.events(vllm(257, -1, "c", "null"));
    assertThat(failure(decoder, SamplingOptions.greedy(8)))
        .hasMessage("model 'm': token 0: 257 is not in the tokenizer's vocabulary of 257");
    server.events(vllm(100, 0.5, "c", "null"));
    assertThat(failure(decoder, SamplingOptions.greedy(8)))
        .hasMessage("model 'm': token 0: log-probability 0.5 (expected: finite, ≤ 0)");
    server.events(vllm(100, -1, "c", "null"), vllm(100, -1, "c", "null"));
    assertThat(failure(decoder, SamplingOptions.greedy(1)).reason()).isEqualTo(Reason.BROKEN);
    server.events(vllm(100, -1, "c", "null"), "[DONE]");
    assertThat(failure(decoder, SamplingOptions.greedy(8)))
        .hasMessage("model 'm': the back end stopped after 1 token without saying why");
  }

  @Test
  void theServersRefusalsHaveReasons() {
    server.answers(exchange -> exchange.sendResponseHeaders(429, -1));
    assertThat(failure(decoder, SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.OVERLOADED);
    server.answers(exchange -> exchange.sendResponseHeaders(404, -1));
    assertThat(failure(decoder, SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.UNAVAILABLE);
    server.answers(exchange -> exchange.sendResponseHeaders(500, -1));
    assertThat(failure(decoder, SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.BROKEN);
    server.close();
    ModelException away = failure(decoder, SamplingOptions.greedy(8));
    assertThat(away.reason()).isEqualTo(Reason.UNAVAILABLE);
    assertThat(away.getMessage())
        .as("without its address")
        .matches("model 'm': (no connection|connection (refused|broken off))");
  }

  @Test
  void anEventThatIsNoJsonIsBroken() {
    server.events("{");
    assertThat(failure(decoder, SamplingOptions.greedy(8)).reason()).isEqualTo(Reason.BROKEN);
  }

  @Test
  void anEventWithoutEndIsBroken() {
    server.answers(
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          byte[] piece = "data: ".repeat(10_000).getBytes(StandardCharsets.UTF_8);
          while (true) { // until the decoder hangs up
            exchange.getResponseBody().write(piece);
          }
        });

    assertThat(failure(decoder, SamplingOptions.greedy(8)))
        .hasMessageEndingWith("a line of more than 1,052,672 characters") // 2²⁰ + 64 · 64
        .extracting(ModelException::reason)
        .isEqualTo(Reason.BROKEN);
  }
}
