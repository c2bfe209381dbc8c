package io.ballast.reward.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import io.ballast.reward.component.Judging;
import io.ballast.reward.component.RemoteComponent;
import io.ballast.reward.component.RemoteReward;
import io.ballast.reward.component.RemoteSettings;
import io.ballast.reward.core.ComponentOutcome;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A reward over HTTP in the manner of OpenRLHF's {@code /get_reward}: {@code {"query": [prompt +
 * completion, …], "prompts": […]}}, with {@code "labels"} if the component names a reference; the
 * answer is {@code {"rewards": […]}}, one finite number for each query.
 */
final class HttpReward implements RemoteReward {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS) // Python writes NaN
          .build();

  private static final int OK = 200;
  private static final int SERVER_ERRORS = 500;
  private static final int SHOWN_CHARACTERS = 200;

  private final URI uri;
  private final RemoteSettings settings;
  private final Optional<String> token;
  private final PeerGuard guard;
  private final HttpClient http;

  /**
   * @param token that it demands
   * @param guard says whether it may be asked now
   */
  HttpReward(RemoteSettings settings, Optional<String> token, PeerGuard guard) {
    this.uri = URI.create(settings.target());
    this.token = token;
    this.settings = settings;
    this.guard = guard;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(settings.timeout())
            .build();
  }

  @Override
  public List<ComponentOutcome> ask(
      List<Question> questions, RemoteComponent component, Judging judging) {
    List<ComponentOutcome> outcomes = new ArrayList<>();
    for (int first = 0; first < questions.size(); first += settings.batchItems()) {
      List<Question> portion =
          questions.subList(first, Math.min(questions.size(), first + settings.batchItems()));
      outcomes.addAll(askPortion(portion, component, judging.patience()));
    }
    return outcomes;
  }

  private List<ComponentOutcome> askPortion(
      List<Question> questions, RemoteComponent component, CallPatience patience) {
    PeerGuard.Permit permit;
    try {
      permit = guard.acquire();
    } catch (MeshException e) {
      return all(
          questions,
          e.fault() == Fault.OVERLOADED
              ? ItemFault.Reason.OVERLOADED
              : ItemFault.Reason.MODEL_ERROR,
          String.valueOf(e.getMessage()));
    }
    Duration limit =
        patience
            .remaining()
            .filter(left -> left.compareTo(settings.timeout()) < 0)
            .orElse(settings.timeout());
    CompletableFuture<HttpResponse<String>> answer =
        http.sendAsync(
            request(body(questions, component), limit),
            BodyHandlers.limiting(BodyHandlers.ofString(), settings.peer().maxMessageBytes()));
    patience.onCancel(() -> answer.cancel(true));
    try {
      HttpResponse<String> response = answer.get(limit.toNanos(), TimeUnit.NANOSECONDS);
      permit.end(response.statusCode() >= SERVER_ERRORS ? Verdict.FAILED : Verdict.SUCCEEDED);
      return read(questions, response);
    } catch (TimeoutException e) {
      answer.cancel(true);
      return late(questions, permit, limit);
    } catch (ExecutionException e) {
      boolean over = patience.remaining().filter(Duration::isZero).isPresent();
      if (over || e.getCause() instanceof HttpTimeoutException) {
        return late(questions, permit, limit); // what was broken off then was late
      }
      permit.end(Verdict.FAILED);
      return failed(questions, "not reached, or broken off: " + e.getCause());
    } catch (CancellationException e) {
      permit.end(Verdict.IGNORED);
      return all(questions, ItemFault.Reason.CANCELLED, guard.peer() + ": nobody waits any more");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      permit.end(Verdict.IGNORED);
      return all(questions, ItemFault.Reason.CANCELLED, guard.peer() + ": the server stops");
    }
  }

  /** The caller's own deadline says nothing of the server there. */
  private List<ComponentOutcome> late(
      List<Question> questions, PeerGuard.Permit permit, Duration limit) {
    permit.end(limit.compareTo(settings.timeout()) < 0 ? Verdict.IGNORED : Verdict.FAILED);
    return all(
        questions,
        ItemFault.Reason.DEADLINE,
        "%s: no answer after %,d ms".formatted(guard.peer(), limit.toMillis()));
  }

  private HttpRequest request(String body, Duration limit) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(limit.isPositive() ? limit : Duration.ofMillis(1))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body));
    token.ifPresent(each -> request.header("Authorization", "Bearer " + each));
    return request.build();
  }

  private static String body(List<Question> questions, RemoteComponent component) {
    ObjectNode body = JSON.createObjectNode();
    ArrayNode queries = body.putArray("query");
    ArrayNode prompts = body.putArray("prompts");
    for (Question question : questions) {
      queries.add(question.prompt() + question.completion());
      prompts.add(question.prompt());
    }
    if (!component.label().isEmpty()) {
      ArrayNode labels = body.putArray("labels");
      questions.forEach(
          each ->
              labels.add(
                  Objects.requireNonNull(
                      each.candidate().item().references().get(component.label()))));
    }
    return body.toString();
  }

  private List<ComponentOutcome> read(List<Question> questions, HttpResponse<String> response) {
    if (response.statusCode() != OK) {
      return failed(
          questions, "status %d: %s".formatted(response.statusCode(), shown(response.body())));
    }
    JsonNode rewards;
    try {
      rewards = JSON.readTree(response.body()).path("rewards");
    } catch (JsonProcessingException e) {
      return failed(questions, "no JSON: " + shown(response.body()));
    }
    if (!rewards.isArray() || rewards.size() != questions.size()) {
      return failed(
          questions,
          "%s (expected: \"rewards\", a list of %,d numbers)"
              .formatted(
                  rewards.isArray()
                      ? "%,d rewards".formatted(rewards.size())
                      : shown(response.body()),
                  questions.size()));
    }
    List<ComponentOutcome> outcomes = new ArrayList<>();
    for (JsonNode reward : rewards) {
      outcomes.add(
          reward.isNumber() && Double.isFinite(reward.doubleValue())
              ? new ComponentOutcome.Value(reward.doubleValue(), "")
              : failure("reward " + shown(reward.asText()) + " (expected: a finite number)"));
    }
    return outcomes;
  }

  private List<ComponentOutcome> failed(List<Question> questions, String why) {
    return all(questions, ItemFault.Reason.MODEL_ERROR, guard.peer() + ": " + why);
  }

  private ComponentOutcome failure(String why) {
    return new ComponentOutcome.Failed(
        new ItemFault(ItemFault.Reason.MODEL_ERROR, guard.peer() + ": " + why));
  }

  private static List<ComponentOutcome> all(
      List<Question> questions, ItemFault.Reason reason, String why) {
    ComponentOutcome failed = new ComponentOutcome.Failed(new ItemFault(reason, why));
    return questions.stream().map(each -> failed).toList();
  }

  private static String shown(String text) {
    return "'" + Texts.asLine(text, SHOWN_CHARACTERS) + "'";
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
