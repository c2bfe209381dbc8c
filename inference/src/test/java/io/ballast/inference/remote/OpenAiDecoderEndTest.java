package io.ballast.inference.remote;

import static io.ballast.inference.remote.FakeOpenAiServer.ask;
import static io.ballast.inference.remote.FakeOpenAiServer.await;
import static io.ballast.inference.remote.FakeOpenAiServer.send;
import static io.ballast.inference.remote.FakeOpenAiServer.vllm;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A completion that ends before its time: by its caller, at its deadline, or with its decoder. */
class OpenAiDecoderEndTest {
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
  void aCallerThatLeavesKeepsWhatCame() throws InterruptedException {
    CountDownLatch left = new CountDownLatch(1);
    server.answers(
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          send(exchange, vllm(100, -0.25, "c", "null"));
          await(left);
        });
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
    server.answers(
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          send(exchange, vllm(100, -0.25, "c", "null"));
          await(over);
        });
    try (OpenAiDecoder hasty = server.decoder(Duration.ofMillis(300))) {
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
    server.answers(exchange -> await(over));
    try (OpenAiDecoder hasty = server.decoder(Duration.ofMillis(300))) {
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
  void aRefusalWhoseWordsNeverComeEndsAtTheDeadlineAndLeavesNobodyReading()
      throws InterruptedException {
    CountDownLatch hungUp = new CountDownLatch(1);
    CountDownLatch failed = new CountDownLatch(1);
    server.answers(
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
        });
    try (OpenAiDecoder hasty = server.decoder(Duration.ofMillis(300))) {
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

  @Test
  void aClosedDecoderSaysSo() {
    decoder.close();

    assertThatThrownBy(() -> ask(decoder, SamplingOptions.greedy(8)))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("closed");
  }
}
