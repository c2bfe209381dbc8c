package io.ballast.reward.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.Causes;
import io.ballast.kit.error.ConnectionFailures;
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
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A reward over HTTP in the manner of OpenRLHF's {@code /get_reward}: {@code {"query": [prompt +
 * completion, …], "prompts": […]}}, with {@code "labels"} if the component names a reference; the
 * answer is {@code {"rewards": […]}}, one finite number for each query. A server that says how long
 * it wants to be left alone (429 or 503 with {@code Retry-After}) is not asked before.
 */
final class HttpReward implements RemoteReward {
  private static final Logger LOG = LoggerFactory.getLogger(HttpReward.class);

  /** How java.net.http begins what it says of an answer over the limit. */
  private static final String TOO_LARGE = "body exceeds capacity";

  private final URI uri;
  private final RemoteSettings settings;
  private final Optional<String> token;
  private final PeerGuard guard;
  private final Backoff backoff;
  private final HttpClient http;

  /**
   * @param token that it demands, as a header takes it
   * @param guard says whether it may be asked now
   */
  HttpReward(RemoteSettings settings, Optional<String> token, PeerGuard guard, Backoff backoff) {
    this.uri = URI.create(settings.target());
    this.token = token;
    this.settings = settings;
    this.guard = guard;
    this.backoff = backoff;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(settings.timeout())
            .build();
  }

  @Override
  public List<ComponentOutcome> ask(
      List<Question> questions, RemoteComponent component, Judging judging) {
    return RemotePortions.ask(
        guard.peer(),
        questions,
        settings.batchItems(),
        judging.patience(),
        portion -> askPortion(portion, component, judging.patience()));
  }

  private List<ComponentOutcome> askPortion(
      List<Question> questions, RemoteComponent component, CallPatience patience) {
    Duration left = backoff.left();
    if (left.isPositive()) {
      return failed(
          questions,
          ItemFault.Reason.OVERLOADED,
          "not asked, it wants to be left alone for another %,d ms".formatted(left.toMillis()));
    }
    PeerGuard.Permit permit;
    try {
      permit = guard.acquire();
    } catch (MeshException e) {
      return RemotePortions.all(
          questions,
          new ItemFault(
              e.fault() == Fault.OVERLOADED
                  ? ItemFault.Reason.OVERLOADED
                  : ItemFault.Reason.MODEL_ERROR,
              String.valueOf(e.getMessage())));
    }
    try {
      return send(questions, HttpRewardMessages.request(questions, component), permit, patience);
    } finally {
      permit.end(Verdict.IGNORED); // whatever was thrown, the place is free again
    }
  }

  private List<ComponentOutcome> send(
      List<Question> questions, String body, PeerGuard.Permit permit, CallPatience patience) {
    Duration limit =
        patience
            .remaining()
            .filter(left -> left.compareTo(settings.timeout()) < 0)
            .orElse(settings.timeout());
    CompletableFuture<HttpResponse<String>> answer =
        http.sendAsync(
            request(body, limit),
            BodyHandlers.limiting(BodyHandlers.ofString(), settings.peer().maxMessageBytes()));
    patience.onCancel(() -> answer.cancel(true));
    try {
      return read(questions, answer.get(limit.toNanos(), TimeUnit.NANOSECONDS), permit);
    } catch (TimeoutException e) {
      answer.cancel(true);
      return late(questions, permit, limit);
    } catch (ExecutionException e) {
      if (over(patience) || e.getCause() instanceof HttpTimeoutException) {
        return late(questions, permit, limit); // what was broken off then was late
      }
      permit.end(Verdict.FAILED);
      LOG.debug("{} at {}", guard.peer(), uri.getAuthority(), e.getCause());
      return failed(questions, ItemFault.Reason.MODEL_ERROR, words(e));
    } catch (CancellationException e) {
      if (over(patience)) {
        return late(questions, permit, limit); // a caller's deadline cancels the call too
      }
      return failed(questions, ItemFault.Reason.CANCELLED, "nobody waits any more");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failed(questions, ItemFault.Reason.CANCELLED, "the server stops");
    }
  }

  /** The kind of failure; where the server stands is for the log alone. */
  private String words(ExecutionException failure) {
    return String.valueOf(Causes.first(failure).getMessage()).startsWith(TOO_LARGE)
        ? "an answer of more than %,d bytes, the limit".formatted(settings.peer().maxMessageBytes())
        : ConnectionFailures.words(failure);
  }

  private static boolean over(CallPatience patience) {
    return patience.remaining().filter(left -> !left.isPositive()).isPresent();
  }

  /** The caller's own deadline says nothing of the server there. */
  private List<ComponentOutcome> late(
      List<Question> questions, PeerGuard.Permit permit, Duration limit) {
    permit.end(limit.compareTo(settings.timeout()) < 0 ? Verdict.IGNORED : Verdict.FAILED);
    return failed(
        questions, ItemFault.Reason.DEADLINE, "no answer after %,d ms".formatted(limit.toMillis()));
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

  private List<ComponentOutcome> read(
      List<Question> questions, HttpResponse<String> response, PeerGuard.Permit permit) {
    backoff.heed(response);
    return switch (HttpRewardMessages.read(response, questions.size())) {
      case HttpRewardMessages.Answer.Rewards rewards -> {
        permit.end(Verdict.SUCCEEDED);
        yield rewards.outcomes(guard.peer());
      }
      case HttpRewardMessages.Answer.None none -> {
        permit.end(none.verdict());
        yield failed(questions, none.reason(), none.why());
      }
    };
  }

  private List<ComponentOutcome> failed(
      List<Question> questions, ItemFault.Reason reason, String why) {
    return RemotePortions.all(questions, new ItemFault(reason, guard.peer() + ": " + why));
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
