package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;

/** An HTTP server of completions in this process, and decoders that ask it. */
final class FakeOpenAiServer implements AutoCloseable {
  private final HttpServer server;
  private final AtomicReference<String> asked = new AtomicReference<>("");
  private final AtomicReference<Headers> headers = new AtomicReference<>(new Headers());
  private volatile Answer answer = exchange -> {};

  FakeOpenAiServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    at(
        "/v1/completions",
        exchange -> {
          asked.set(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          answer.to(exchange);
        });
    server.start();
  }

  /** What the server does with a request. */
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  /** A decoder whose completions are to be done within {@code deadline}. */
  OpenAiDecoder decoder(Duration deadline) {
    return new OpenAiDecoder(settings("", Optional.empty(), deadline), new ByteTokenizer());
  }

  OpenAiSettings settings(String path, Optional<String> token, Duration deadline) {
    return new OpenAiSettings(
        URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path),
        "m",
        token,
        64,
        deadline);
  }

  /** The body of the last completion that was asked for. */
  String asked() {
    return asked.get();
  }

  /** The headers of the last request. */
  Headers headers() {
    return headers.get();
  }

  /** Answers what comes to a path; the exchange ends with the answer. */
  void at(String path, Answer other) {
    server.createContext(
        path,
        exchange -> {
          headers.set(exchange.getRequestHeaders());
          other.to(exchange);
          exchange.close();
        });
  }

  /** Answers a question that is no completion. */
  void says(String path, String json) {
    at(
        path,
        exchange -> {
          byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, bytes.length);
          exchange.getResponseBody().write(bytes);
        });
  }

  /** Answers a path with a status alone. */
  void status(String path, int status) {
    at(path, exchange -> exchange.sendResponseHeaders(status, -1));
  }

  /** Answers completions from now on. */
  void answers(Answer other) {
    answer = other;
  }

  /** Answers completions with a stream of events. */
  void events(String... events) {
    answers(
        exchange -> {
          exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
          exchange.sendResponseHeaders(200, 0);
          for (String event : events) {
            send(exchange, event);
          }
        });
  }

  static void send(HttpExchange exchange, String event) throws IOException {
    exchange.getResponseBody().write(("data: " + event + "\n\n").getBytes(StandardCharsets.UTF_8));
    exchange.getResponseBody().flush();
  }

  /** As vLLM tells a token when asked for ids. */
  static String vllm(int id, double logProb, String text, String finish) {
    return """
        {"choices":[{"text":"%s","finish_reason":%s,
         "logprobs":{"tokens":["token_id:%d"],"token_logprobs":[%s]}}]}"""
        .formatted(text, finish, id, logProb)
        .replace("\n", "");
  }

  /** What a server does that keeps its callers waiting. */
  static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static GenerationHandle ask(OpenAiDecoder decoder, SamplingOptions options) {
    return decoder.generate(new GenerationRequest("ab", false, 0, options), token -> {});
  }

  /** What a completion fails with that is asked of {@code decoder}. */
  static ModelException failure(OpenAiDecoder decoder, SamplingOptions options) {
    CompletionException thrown =
        catchThrowableOfType(
            CompletionException.class, () -> ask(decoder, options).result().join());
    return (ModelException) Objects.requireNonNull(thrown.getCause());
  }

  /** Stops at once; may be closed again. */
  @Override
  public void close() {
    server.stop(0);
  }
}
