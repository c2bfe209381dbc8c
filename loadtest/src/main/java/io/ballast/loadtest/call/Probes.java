package io.ballast.loadtest.call;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.scenario.CallKind;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What a step's questions were answered before the load; asked again by the same version, the
 * answer must be the same. One by another version, since the mesh may change its models under load,
 * is not compared and labelled so.
 */
final class Probes {
  private static final String OTHER_VERSION = "OTHER_VERSION";
  private static final String CHANGED = "PROBE_CHANGED";

  private final CallStep step;
  private final Requests requests;
  private final List<SuggestResponse> suggestions = new ArrayList<>();
  private final List<ScoreResponse> scores = new ArrayList<>();

  /** Asks all questions, one after the other; none if the step is no probe. */
  Probes(CallStep step, Requests requests, MeshChannels mesh) {
    this.step = step;
    this.requests = requests;
    long nanos = step.timeout().toNanos();
    for (int i = 0; step.probe() && i < requests.probes(); i++) {
      if (step.kind() == CallKind.SCORE) {
        scores.add(
            RewardServiceGrpc.newBlockingStub(mesh.reward())
                .withDeadlineAfter(nanos, TimeUnit.NANOSECONDS)
                .score(requests.score(step, i)));
      } else {
        suggestions.add(
            PolicyServiceGrpc.newBlockingStub(mesh.policy())
                .withDeadlineAfter(nanos, TimeUnit.NANOSECONDS)
                .suggest(requests.suggest(step, i)));
      }
    }
  }

  /** Returns {@code outcome}, or what is wrong with the answer of call {@code index}. */
  Outcome checked(long index, SuggestResponse answer, Outcome outcome) {
    if (!step.probe() || !outcome.succeeded()) {
      return outcome;
    }
    SuggestResponse before = suggestions.get(requests.probe(index));
    if (!same(before.getPolicyVersion(), answer.getPolicyVersion())) {
      return Outcome.answered(OTHER_VERSION, outcome.degradations());
    }
    boolean bothShown =
        before.getDecision() == Decision.DECISION_SHOW
            && answer.getDecision() == Decision.DECISION_SHOW;
    return bothShown && !before.getText().equals(answer.getText())
        ? Outcome.wrong(CHANGED)
        : outcome;
  }

  /** Returns {@code outcome}, or what is wrong with the answer of call {@code index}. */
  Outcome checked(long index, ScoreResponse answer, Outcome outcome) {
    if (!step.probe() || !outcome.succeeded()) {
      return outcome;
    }
    ScoreResponse before = scores.get(requests.probe(index));
    if (!same(before.getModelVersion(), answer.getModelVersion())) {
      return Outcome.answered(OTHER_VERSION);
    }
    int compared = Math.min(before.getResultsCount(), answer.getResultsCount());
    for (int i = 0; i < compared; i++) {
      if (before.getResults(i).hasValue()
          && !near(before.getResults(i).getValue(), answer.getResults(i).getValue())) {
        return Outcome.wrong(CHANGED);
      }
    }
    return outcome;
  }

  private boolean near(double before, double now) {
    double size = Math.max(1, Math.max(Math.abs(before), Math.abs(now)));
    return Math.abs(before - now) <= step.probeTolerance() * size;
  }

  private static boolean same(ModelVersion before, ModelVersion now) {
    return before.equals(now);
  }
}
