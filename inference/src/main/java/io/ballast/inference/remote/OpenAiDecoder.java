package io.ballast.inference.remote;

import com.fasterxml.jackson.core.JsonProcessingException;
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
import io.ballast.inference.api.ReportedWeights;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.error.ConnectionFailures;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A language model behind {@code /v1/completions}, as vLLM, SGLang and llama.cpp's server offer it:
 * prompts go as ids, completions stream as server-sent events, with the ids and log-probabilities
 * of the tokens drawn. A server that does not tell those is refused, and never guessed at. Prompts
 * are not healed. What of sampling is taken: see {@link RemoteSampling}.
 */
public final class OpenAiDecoder implements Decoder {
  private static final Logger LOG = LoggerFactory.getLogger(OpenAiDecoder.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EVENT = "data:";
  private static final String DONE = "[DONE]";
  private static final int ANSWER_BYTES = 1 << 20;
  private static final int WORDS_BYTES = 500;

  /** The longest event: some servers repeat the prompt's ids in the first. */
  private static final int EVENT_CHARACTERS = 1 << 20;

  private static final int TOKEN_CHARACTERS = 64;

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
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1) // some servers stumble over the offer of another
            .connectTimeout(Duration.ofSeconds(5))
            .build();
  }

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
    requireOpen();
    RemoteSampling.check(request.sampling());
    TokenIds prompt = RemotePrompt.ids(request, tokenizer, settings.contextTokens());
    ObjectNode body = RemoteSampling.json(request.sampling());
    body.put("repeat_penalty", 1.0); // llama.cpp's name
    body.put("model", settings.model());
    Arrays.stream(prompt.toArray()).forEach(body.putArray("prompt")::add);
    body.put("stream", true);
    body.put("logprobs", 1);
    // two ways to ask for ids; llama.cpp tells them anyway
    body.put("return_tokens_as_token_ids", true);
    body.put("return_token_ids", true);
    RemoteGeneration generation =
        new RemoteGeneration(subject(), request.sampling(), tokenizer, prompt, onToken);
    underWay.add(generation);
    Thread.ofVirtual().name("openai-generation").start(() -> run(body, generation));
    if (closed) {
      close(generation);
    }
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

  /**
   * {@inheritDoc} SGLang tells the version and the source, vLLM and llama.cpp the source; a server
   * that tells neither is asked in vain.
   */
  @Override
  public ReportedWeights reportedWeights() {
    requireOpen();
    return new WeightsQuery(this::ask, settings.model()).report();
  }

  @Override
  public void close() {
    closed = true;
    underWay.forEach(this::close);
    http.shutdownNow();
  }

  private void close(RemoteGeneration generation) {
    generation.fail(new ModelException(Reason.CLOSED, subject() + ": closed"));
    generation.cancel();
  }

  private void requireOpen() {
    if (closed) {
      throw new ModelException(Reason.CLOSED, subject() + ": closed");
    }
  }

  private void run(ObjectNode body, RemoteGeneration generation) {
    expireInTime(generation);
    try {
      HttpRequest request =
          request("v1/completions")
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString(body.toString()))
              .build();
      CompletableFuture<HttpResponse<InputStream>> call =
          http.sendAsync(request, BodyHandlers.ofInputStream());
      generation.onCancel(() -> call.cancel(true));
      HttpResponse<InputStream> response = call.join();
      generation.onCancel(() -> close(response.body()));
      try (InputStream events = accepted(response)) {
        read(events, generation);
      }
      generation.ended();
    } catch (JsonProcessingException e) {
      generation.fail(unreadable(e));
    } catch (EventLines.TooLongException e) {
      generation.fail(new ModelException(Reason.BROKEN, subject() + ": " + e.getMessage(), e));
    } catch (IOException | CompletionException | CancellationException e) {
      generation.fail(unreached(e));
    } catch (RuntimeException e) {
      generation.fail(e);
    } finally {
      generation.ended(); // after an error too, or its caller would wait for ever
      underWay.remove(generation);
    }
  }

  /** On a copy, whose end no caller waits for: the timer's thread is not for their work. */
  private void expireInTime(RemoteGeneration generation) {
    generation
        .result()
        .copy()
        .orTimeout(settings.deadline().toNanos(), TimeUnit.NANOSECONDS)
        .whenCompleteAsync(
            (done, failure) -> {
              if (failure instanceof TimeoutException) {
                generation.fail(
                    new ModelException(
                        Reason.UNAVAILABLE,
                        subject() + ": not done within " + settings.deadline()));
                generation.cancel();
              }
            },
            Thread::startVirtualThread);
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request = HttpRequest.newBuilder(settings.at(path));
    settings.bearerToken().ifPresent(token -> request.header("Authorization", "Bearer " + token));
    return request;
  }

  /**
   * Returns what the server answers to a question; empty where it does not know the path. The
   * deadline is that of the whole answer: the client's own timeout ends with the headers.
   */
  private Optional<JsonNode> ask(String path) {
    CompletableFuture<HttpResponse<byte[]>> call =
        http.sendAsync(
            request(path).build(), BodyHandlers.limiting(BodyHandlers.ofByteArray(), ANSWER_BYTES));
    try {
      HttpResponse<byte[]> response = call.get(settings.deadline().toNanos(), TimeUnit.NANOSECONDS);
      return switch (response.statusCode()) {
        case 200 -> Optional.of(JSON.readTree(response.body()));
        case 404, 405, 501 -> Optional.empty(); // no such path, or it is for something else
        default -> throw refused(response.statusCode(), response.body());
      };
    } catch (IOException e) {
      return Optional.empty(); // a page for people
    } catch (TimeoutException e) {
      call.cancel(true);
      throw new ModelException(
          Reason.UNAVAILABLE, subject() + ": not answered within " + settings.deadline(), e);
    } catch (ExecutionException e) {
      throw unreached(e);
    } catch (InterruptedException e) {
      call.cancel(true);
      Thread.currentThread().interrupt();
      throw unreached(e);
    }
  }

  private InputStream accepted(HttpResponse<InputStream> response) throws IOException {
    int status = response.statusCode();
    if (status == 200) {
      return response.body();
    }
    try (InputStream body = response.body()) {
      throw refused(status, body.readNBytes(WORDS_BYTES));
    }
  }

  private ModelException refused(int status, byte[] body) {
    String words =
        new String(body, 0, Math.min(body.length, WORDS_BYTES), StandardCharsets.UTF_8).strip();
    Reason reason =
        switch (status) {
          case 429, 503 -> Reason.OVERLOADED;
          case 404, 502, 504 -> Reason.UNAVAILABLE;
          default -> Reason.BROKEN;
        };
    return new ModelException(reason, "%s: HTTP %d: %s".formatted(subject(), status, words));
  }

  private void read(InputStream events, RemoteGeneration generation) throws IOException {
    EventLines lines =
        new EventLines(events, EVENT_CHARACTERS + TOKEN_CHARACTERS * settings.contextTokens());
    for (String line = lines.next();
        line != null && !generation.result().isDone();
        line = lines.next()) {
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
    CompletionChoice said = new CompletionChoice(choice);
    if (said.told().isEmpty() && !said.text().isEmpty()) {
      throw new ModelException(
          Reason.BROKEN,
          subject()
              + ": the server tells no ids and log-probabilities of its tokens, for which logprobs,"
              + " return_token_ids and return_tokens_as_token_ids ask (expected: a server, or a"
              + " newer release of it, that answers them, as vLLM, SGLang and llama.cpp do)");
    }
    generation.add(said.told(), said.text(), said.finish());
  }

  private static void close(InputStream events) {
    try {
      events.close();
    } catch (IOException e) {
      // it is closed all the same, and nobody reads on
    }
  }

  private ModelException unreadable(JsonProcessingException e) {
    return new ModelException(
        Reason.BROKEN, subject() + ": an event is no JSON: " + e.getOriginalMessage(), e);
  }

  private ModelException unreached(Exception e) {
    LOG.debug("{} at {}", subject(), settings.base(), e);
    return new ModelException(
        Reason.UNAVAILABLE, subject() + ": " + ConnectionFailures.words(e), e);
  }

  /** Without the address: callers read it. */
  private String subject() {
    return "model '" + settings.model() + "'";
  }
}
