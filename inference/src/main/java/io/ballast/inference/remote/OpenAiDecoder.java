package io.ballast.inference.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.RemoteGeneration.Told;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A language model behind {@code /v1/completions}, as vLLM and llama.cpp's server offer it:
 * completions stream as server-sent events, with the ids and log-probabilities of the tokens drawn.
 * A server that does not tell those is refused, and never guessed at. Prompts are not healed.
 */
public final class OpenAiDecoder implements Decoder {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EVENT = "data:";
  private static final String DONE = "[DONE]";
  private static final String ID = "token_id:";

  private final HttpClient http;
  private final OpenAiSettings settings;
  private final Tokenizer tokenizer;
  private final Set<RemoteGeneration> underWay = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * Asks as {@code settings} say, with the first generation.
   *
   * @param tokenizer the one that belongs to the weights
   */
  public OpenAiDecoder(OpenAiSettings settings, Tokenizer tokenizer) {
    this.settings = settings;
    this.tokenizer = tokenizer;
    this.http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  }

  /**
   * Where a server is and what it serves.
   *
   * @param base such as {@code http://127.0.0.1:8000}; the path begins with {@code /v1} after it
   * @param model the name by which the server knows it
   * @param bearerToken what the server demands; empty: nothing
   * @param contextTokens the server's limit of prompt and completion together
   * @param deadline how long a completion may take
   */
  public record OpenAiSettings(
      URI base, String model, Optional<String> bearerToken, int contextTokens, Duration deadline) {}

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int contextTokens() {
    return settings.contextTokens();
  }

  @Override
  public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    if (closed) {
      throw new ModelException(Reason.CLOSED, subject() + ": closed");
    }
    RemoteSampling.check(request.sampling());
    TokenIds prompt = RemoteSampling.prompt(request, tokenizer, settings.contextTokens());
    ObjectNode body = RemoteSampling.json(request.sampling());
    body.put("model", settings.model());
    body.put("prompt", tokenizer.decode(prompt));
    body.put("stream", true);
    body.put("logprobs", 1);
    body.put("return_tokens_as_token_ids", true); // how vLLM tells ids; llama.cpp tells them anyway
    RemoteGeneration generation =
        new RemoteGeneration(request.sampling(), tokenizer, prompt, onToken);
    underWay.add(generation);
    Thread.ofVirtual().name("openai-generation").start(() -> run(body, generation));
    return generation;
  }

  /**
   * Would score given texts.
   *
   * @throws ModelException always, UNSUPPORTED: the protocol scores only what the server draws
   */
  @Override
  public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
    throw new ModelException(
        Reason.UNSUPPORTED,
        subject() + ": log-probabilities are told of what the server draws, not of given texts");
  }

  @Override
  public void close() {
    closed = true;
    for (RemoteGeneration generation : underWay) {
      generation
          .result()
          .completeExceptionally(new ModelException(Reason.CLOSED, subject() + ": closed"));
      generation.cancel();
    }
    http.shutdownNow();
  }

  private void run(ObjectNode body, RemoteGeneration generation) {
    try {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(settings.base().resolve("/v1/completions"))
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString(body.toString()));
      settings.bearerToken().ifPresent(token -> request.header("Authorization", "Bearer " + token));
      CompletableFuture<HttpResponse<InputStream>> call =
          http.sendAsync(request.build(), BodyHandlers.ofInputStream());
      generation.onCancel(() -> call.cancel(true));
      CompletableFuture.delayedExecutor(
              settings.deadline().toNanos(), TimeUnit.NANOSECONDS, Runnable::run)
          .execute(() -> expire(generation));
      try (InputStream events = accepted(call.join())) {
        generation.onCancel(() -> close(events));
        read(events, generation);
      }
      generation.ended();
    } catch (ModelException e) {
      generation.fail(e);
    } catch (IOException | RuntimeException e) {
      generation.fail(new ModelException(Reason.UNAVAILABLE, subject() + ": " + cause(e), e));
    } finally {
      underWay.remove(generation);
    }
  }

  private void expire(RemoteGeneration generation) {
    if (!generation.result().isDone()) {
      generation.fail(
          new ModelException(
              Reason.UNAVAILABLE, subject() + ": not done within " + settings.deadline()));
      generation.cancel();
    }
  }

  private InputStream accepted(HttpResponse<InputStream> response) throws IOException {
    int status = response.statusCode();
    if (status == 200) {
      return response.body();
    }
    String words;
    try (InputStream body = response.body()) {
      words = new String(body.readNBytes(500), StandardCharsets.UTF_8).strip();
    }
    Reason reason =
        switch (status) {
          case 429, 503 -> Reason.OVERLOADED;
          case 404, 502, 504 -> Reason.UNAVAILABLE;
          default -> Reason.BROKEN;
        };
    throw new ModelException(reason, "%s: HTTP %d: %s".formatted(subject(), status, words));
  }

  private void read(InputStream events, RemoteGeneration generation) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(events, StandardCharsets.UTF_8));
    for (String line = lines.readLine();
        line != null && !generation.result().isDone();
        line = lines.readLine()) {
      String event = line.startsWith(EVENT) ? line.substring(EVENT.length()).strip() : "";
      if (event.equals(DONE)) {
        return;
      }
      if (!event.isEmpty()) {
        read(JSON.readTree(event), generation);
      }
    }
  }

  private void read(JsonNode event, RemoteGeneration generation) {
    if (event.has("error")) {
      throw new ModelException(
          Reason.BROKEN, subject() + ": " + event.path("error").path("message").asText("error"));
    }
    JsonNode choice = event.path("choices").path(0);
    if (choice.isMissingNode()) {
      return; // usage alone
    }
    String piece = choice.path("text").asText("");
    List<Told> told = told(choice.path("logprobs"));
    if (told.isEmpty() && !piece.isEmpty()) {
      throw new ModelException(
          Reason.UNSUPPORTED,
          subject() + ": the server tells no ids and log-probabilities of its tokens");
    }
    String finish = choice.path("finish_reason").asText("");
    generation.add(
        told,
        piece,
        finish.isEmpty() || finish.equals("null") ? Optional.empty() : Optional.of(finish));
  }

  /** Reads what vLLM tells in parallel lists, or llama.cpp in a list of objects. */
  private static List<Told> told(JsonNode logProbs) {
    List<Told> told = new ArrayList<>();
    JsonNode tokens = logProbs.path("tokens");
    for (int i = 0; i < tokens.size(); i++) {
      String token = tokens.path(i).asText();
      if (token.matches(ID + "\\d{1,9}")) {
        told.add(
            new Told(
                Integer.parseInt(token.substring(ID.length())),
                number(logProbs.path("token_logprobs").path(i))));
      }
    }
    if (told.size() < tokens.size()) {
      return List.of(); // texts, which may stand for several ids
    }
    for (JsonNode token : logProbs.path("content")) {
      if (token.path("id").isInt()) {
        told.add(new Told(token.path("id").intValue(), number(token.path("logprob"))));
      }
    }
    return told;
  }

  private static double number(JsonNode node) {
    return node.isNumber() ? node.doubleValue() : Double.NaN;
  }

  private static void close(InputStream events) {
    try {
      events.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String cause(Throwable e) {
    Throwable cause = e.getCause();
    return String.valueOf(cause == null ? e : cause);
  }

  private String subject() {
    return "model '" + settings.model() + "' at " + settings.base();
  }
}
