package io.ballast.inference.remote;

import static io.ballast.inference.remote.FakeOpenAiServer.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.ReportedWeights;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a server of completions says of the weights that it serves. */
class OpenAiReportedWeightsTest {
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
  void aServerThatNamesItsWeightsIsHeard() {
    server.says("/model_info", "{\"weight_version\":\"step-7\",\"model_path\":\"/models/m/3\"}");

    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.of("step-7"), Optional.of("/models/m/3")));
  }

  @Test
  void weightsThatNobodyNamedHaveNoVersion() {
    server.says(
        "/get_model_info", "{\"weight_version\":\"default\",\"model_path\":\"/models/m/3\"}");

    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.empty(), Optional.of("/models/m/3")));
  }

  @Test
  void whereWeightsWereReadIsAskedInTheWaysOfVllmAndLlamaCpp() {
    server.says("/props", "{\"model_path\":\"/models/m.gguf\"}");
    assertThat(decoder.reportedWeights().source()).contains("/models/m.gguf");

    server.says(
        "/v1/models",
        "{\"data\":[{\"id\":\"n\",\"root\":\"/n\"},{\"id\":\"m\",\"root\":\"/models/m/4\"}]}");
    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.empty(), Optional.of("/models/m/4")));
  }

  @Test
  void aServerThatSaysNothingOfItsWeightsIsNotGuessedAt() {
    server.says("/model_info", "<html>");

    assertThat(decoder.reportedWeights()).isEqualTo(ReportedWeights.nothing());

    server.close();
    assertThatThrownBy(() -> decoder.reportedWeights())
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE));
  }

  @Test
  void pathsThatAreForSomethingElseAreNoAnswer() {
    server.status("/model_info", 405);
    server.status("/get_model_info", 501);
    server.says("/v1/models", "{\"data\":[{\"id\":\"m\",\"root\":\"/models/m/4\"}]}");

    assertThat(decoder.reportedWeights())
        .isEqualTo(new ReportedWeights(Optional.empty(), Optional.of("/models/m/4")));
  }

  @Test
  void aServerThatRefusesToSayIsNotTakenForOneThatSaysNothing() {
    server.status("/model_info", 401);

    assertThatThrownBy(() -> decoder.reportedWeights())
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessageEndingWith("HTTP 401: ");
  }

  @Test
  void anAnswerThatNeverEndsIsUnavailable() {
    CountDownLatch over = new CountDownLatch(1);
    server.at(
        "/model_info",
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write('{');
          exchange.getResponseBody().flush();
          await(over);
        });
    try (OpenAiDecoder hasty = server.decoder(Duration.ofMillis(300))) {
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
    server.says("/model_info", "{\"model_path\":\"" + "x".repeat(1 << 20) + "\"}");

    assertThatThrownBy(() -> decoder.reportedWeights())
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE));
  }
}
