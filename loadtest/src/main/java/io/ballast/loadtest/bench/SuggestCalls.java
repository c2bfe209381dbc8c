package io.ballast.loadtest.bench;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.FeedbackServiceGrpc.FeedbackServiceBlockingStub;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.Channel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Suggestions as the benchmarks of operations ask for them, each in a context of its own. */
final class SuggestCalls {
  private static final int DEADLINE_SECONDS = 60;

  private final AtomicLong next = new AtomicLong();
  private final boolean judged;
  private final int tokens;
  private final @Nullable ModelSelector policy;

  /**
   * @param judged whether reward, cost and the gate (in its shadow mode, so that it withholds none)
   *     are asked
   * @param tokens the most of a suggestion; 0: the server's default
   */
  SuggestCalls(boolean judged, int tokens) {
    this(judged, tokens, null);
  }

  /**
   * The same of a version of the policy.
   *
   * @param policy which; null: the one that serves
   */
  SuggestCalls(boolean judged, int tokens, @Nullable ModelSelector policy) {
    this.judged = judged;
    this.tokens = tokens;
    this.policy = policy;
  }

  /** The next request. */
  SuggestRequest request() {
    SamplingOptions.Builder sampling = SamplingOptions.newBuilder();
    if (tokens > 0) {
      sampling.setMaxNewTokens(tokens);
    }
    SuggestRequest.Builder request =
        SuggestRequest.newBuilder()
            .setMetadata(metadata())
            .setPrompt(BenchTexts.context(next.getAndIncrement()))
            .setSampling(sampling)
            .setGateMode(judged ? GateMode.GATE_MODE_SHADOW : GateMode.GATE_MODE_OFF)
            .setWithReward(judged)
            .setWithCost(judged);
    if (policy != null) {
      request.setPolicy(policy);
    }
    return request.build();
  }

  /** Makes one call, whose answer must lack nothing. */
  SuggestResponse suggestion(PolicyServiceBlockingStub stub) {
    return whole(stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS).suggest(request()));
  }

  /** The same; the one suggestion. */
  long ask(PolicyServiceBlockingStub stub) {
    var unused = suggestion(stub);
    return 1;
  }

  /** Tells that a person took a suggestion, and waits until that is kept; the one event. */
  static long accept(FeedbackServiceBlockingStub stub, SuggestResponse suggestion, String again) {
    var unused =
        stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
            .recordFeedback(accepted(suggestion, again));
    return 1;
  }

  /**
   * Returns an answer that lacks nothing.
   *
   * @throws IllegalStateException with what it lacks otherwise
   */
  SuggestResponse whole(SuggestResponse answer) {
    String flaw = flaw(answer);
    if (!flaw.isEmpty()) {
      throw new IllegalStateException(
          "a suggestion lacks something: %s %s".formatted(flaw, answer.getDegradationsList()));
    }
    return answer;
  }

  /** What an answer is worth: one that lacks something is none. */
  Outcome outcome(SuggestResponse answer) {
    String flaw = flaw(answer);
    return flaw.isEmpty() ? Outcome.answered("SUGGESTED") : Outcome.failed(flaw);
  }

  /** A reward or a cost that is a failure is none; of an empty completion nobody is asked. */
  private String flaw(SuggestResponse answer) {
    if (answer.getDegradationsCount() > 0) {
      return "DEGRADED";
    }
    if (judged && !answer.hasStageOne()) {
      return "NO_GATE";
    }
    if (!judged || answer.getReason() == DecisionReason.DECISION_REASON_EMPTY_COMPLETION) {
      return "";
    }
    if (!answer.getReward().hasValue()) {
      return "NO_REWARD";
    }
    return answer.getCost().hasHarmProbability() ? "" : "NO_COST";
  }

  /** That a person took the suggestion. */
  static RecordFeedbackRequest accepted(SuggestResponse suggestion) {
    return accepted(suggestion, "");
  }

  /** The same once more, as an event of its own. */
  static RecordFeedbackRequest accepted(SuggestResponse suggestion, String again) {
    return RecordFeedbackRequest.newBuilder()
        .setMetadata(
            metadata().toBuilder()
                .setIdempotencyKey("bench-" + suggestion.getSuggestionId() + again))
        .setEvent(
            FeedbackEvent.newBuilder()
                .setSuggestionId(suggestion.getSuggestionId())
                .setAccepted(Accepted.getDefaultInstance()))
        .build();
  }

  /**
   * Asks for a suggestion, which must lack nothing, and then tells that a person took it, which
   * must be kept.
   *
   * @param timeout of either call
   * @param seen told of the suggestion at once
   * @param done told how the last call ended
   */
  void askAndAccept(
      Channel mesh, Duration timeout, Consumer<SuggestResponse> seen, Consumer<Outcome> done) {
    PolicyServiceGrpc.newStub(mesh)
        .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
        .suggest(
            request(),
            new UnaryAnswer<SuggestResponse>(
                outcome -> {
                  if (!outcome.succeeded()) {
                    done.accept(outcome);
                  }
                },
                answer -> {
                  Outcome outcome = outcome(answer);
                  if (!outcome.succeeded()) {
                    return outcome;
                  }
                  seen.accept(answer);
                  FeedbackServiceGrpc.newStub(mesh)
                      .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                      .recordFeedback(
                          accepted(answer),
                          new UnaryAnswer<RecordFeedbackResponse>(
                              done, kept -> Outcome.answered("KEPT")));
                  return outcome;
                }));
  }

  private static RequestMetadata metadata() {
    return RequestMetadata.newBuilder()
        .setTenant("bench")
        .setPriority(Priority.PRIORITY_INTERACTIVE)
        .build();
  }
}
