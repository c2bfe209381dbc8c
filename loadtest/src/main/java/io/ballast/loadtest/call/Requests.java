package io.ballast.loadtest.call;

import io.ballast.loadtest.scenario.CallStep;
import io.ballast.loadtest.scenario.FeedbackKind;
import io.ballast.loadtest.scenario.Gate;
import io.ballast.loadtest.scenario.Lane;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import java.util.List;

/**
 * Makes the requests of a load.
 *
 * @param prompts at least one; taken in turns
 * @param run of no other load: what one has scored is not answered to another from a cache, and its
 *     events are its own
 */
record Requests(List<String> prompts, String run) {
  /** A probe asks so many questions at the most. */
  static final int PROBES = 16;

  Requests {
    prompts = List.copyOf(prompts);
  }

  SuggestRequest suggest(CallStep step, long index) {
    SuggestRequest.Builder request =
        SuggestRequest.newBuilder()
            .setMetadata(metadata(step))
            .setPrompt(prompt(step.probe() ? probe(index) : index))
            .setGateMode(gate(step.gate()))
            .setWithReward(step.withReward())
            .setWithCost(step.withCost());
    if (step.probe()) {
      request.getSamplingBuilder().setSeed(probe(index) + 1L);
    }
    return request.build();
  }

  /**
   * All items of a call share a prompt. A comment before it makes it another one each time, so that
   * it is judged and not remembered; a probe asks the same ones and has them judged anew.
   */
  ScoreRequest score(CallStep step, long index) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(metadata(step))
            .setBypassCache(step.probe())
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    String prompt =
        step.probe() ? prompt(probe(index)) : "// " + run + " " + index + "\n" + prompt(index);
    for (int i = 0; i < step.items(); i++) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(text(prompt))
              .setCompletion(text(LoadTexts.COMPLETIONS.get(i % LoadTexts.COMPLETIONS.size()))));
    }
    return request.build();
  }

  RecordFeedbackRequest feedback(CallStep step, String suggestion, long index) {
    FeedbackEvent.Builder event = FeedbackEvent.newBuilder().setSuggestionId(suggestion);
    if (step.event() == FeedbackKind.ACCEPTED) {
      event.setAccepted(Accepted.getDefaultInstance());
    } else {
      event.setRejected(Rejected.getDefaultInstance());
    }
    return RecordFeedbackRequest.newBuilder()
        .setMetadata(
            metadata(step).toBuilder()
                .setIdempotencyKey("load-" + run + "-" + step.name() + "-" + index))
        .setEvent(event)
        .build();
  }

  /** Which of the questions of a probe a call asks. */
  int probe(long index) {
    return (int) (index % Math.min(PROBES, prompts.size()));
  }

  /** How many questions a probe asks. */
  int probes() {
    return Math.min(PROBES, prompts.size());
  }

  private String prompt(long index) {
    return prompts.get((int) (index % prompts.size()));
  }

  static RequestMetadata metadata(CallStep step) {
    return RequestMetadata.newBuilder()
        .setTenant(step.tenant())
        .setPriority(priority(step.lane()))
        .build();
  }

  private static Priority priority(Lane lane) {
    return switch (lane) {
      case INTERACTIVE -> Priority.PRIORITY_INTERACTIVE;
      case TRAINER -> Priority.PRIORITY_TRAINER;
      case BATCH -> Priority.PRIORITY_BATCH;
    };
  }

  private static GateMode gate(Gate gate) {
    return switch (gate) {
      case ENFORCE -> GateMode.GATE_MODE_ENFORCE;
      case SHADOW -> GateMode.GATE_MODE_SHADOW;
      case OFF -> GateMode.GATE_MODE_OFF;
    };
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }
}
