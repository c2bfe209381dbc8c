package io.ballast.loadtest.call;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.Target;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.loadtest.scenario.Mix;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Makes the calls of a mix, each with its own deadline, and looks at their answers. */
public final class MixTarget implements Target, AutoCloseable {
  private final Mix mix;
  private final MeshChannels mesh;
  private final Requests requests;
  private final GivenSuggestions given = new GivenSuggestions();
  private final List<Target> targets = new ArrayList<>();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          work -> Thread.ofPlatform().daemon().name("slow-readers").unstarted(work));

  /**
   * Asks the probes' questions, and for a suggestion for each tenant that has feedback.
   *
   * @param mix of the same steps
   * @param prompts at least one
   * @param run of no other load
   * @throws io.grpc.StatusRuntimeException if the mesh does not answer these
   */
  public MixTarget(
      List<CallStep> steps, Mix mix, MeshChannels mesh, List<String> prompts, String run) {
    this.mix = mix;
    this.mesh = mesh;
    this.requests = new Requests(prompts, run);
    for (CallStep step : steps) {
      targets.add(target(step));
    }
  }

  /** The suggestions and events of this load. */
  public GivenSuggestions given() {
    return given;
  }

  @Override
  public void call(long index, Consumer<Outcome> done) {
    targets.get(mix.stepAt(index)).call(index, done);
  }

  /** What calls one step of the mix alone. */
  public Target step(int index) {
    return targets.get(index);
  }

  private Target target(CallStep step) {
    return switch (step.kind()) {
      case SUGGEST -> suggest(step);
      case SUGGEST_STREAM -> stream(step);
      case SCORE -> score(step);
      case FEEDBACK -> feedback(step);
    };
  }

  private Target suggest(CallStep step) {
    var stub = PolicyServiceGrpc.newFutureStub(mesh.policy());
    Probes probes = new Probes(step, requests, mesh);
    return (index, done) ->
        Watching.watch(
            stub.withDeadlineAfter(nanos(step), TimeUnit.NANOSECONDS)
                .suggest(requests.suggest(step, index)),
            answer -> {
              remember(step, answer);
              return probes.checked(index, answer, Answers.suggestion(step, answer));
            },
            done);
  }

  private void remember(CallStep step, SuggestResponse answer) {
    if (!answer.getSuggestionId().isEmpty()) {
      given.add(step.tenant(), answer.getSuggestionId());
    }
  }

  private Target stream(CallStep step) {
    var stub = PolicyServiceGrpc.newStub(mesh.policy());
    return (index, done) ->
        stub.withDeadlineAfter(nanos(step), TimeUnit.NANOSECONDS)
            .suggestStream(
                SuggestStreamRequest.newBuilder().setRequest(requests.suggest(step, index)).build(),
                new SlowStream(
                    step, clock, suggestion -> given.add(step.tenant(), suggestion), done));
  }

  private Target score(CallStep step) {
    var stub = RewardServiceGrpc.newFutureStub(mesh.reward());
    Probes probes = new Probes(step, requests, mesh);
    return (index, done) ->
        Watching.watch(
            stub.withDeadlineAfter(nanos(step), TimeUnit.NANOSECONDS)
                .score(requests.score(step, index)),
            answer -> probes.checked(index, answer, Answers.scores(step, answer)),
            done);
  }

  private Target feedback(CallStep step) {
    var stub = FeedbackServiceGrpc.newFutureStub(mesh.policy());
    if (given.next(step.tenant()).isEmpty()) {
      remember(
          step,
          PolicyServiceGrpc.newBlockingStub(mesh.policy())
              .withDeadlineAfter(nanos(step), TimeUnit.NANOSECONDS)
              .suggest(requests.suggest(step, 0)));
    }
    return (index, done) -> {
      String suggestion = given.next(step.tenant()).orElse("");
      given.report(step.tenant(), suggestion);
      Watching.watch(
          stub.withDeadlineAfter(nanos(step), TimeUnit.NANOSECONDS)
              .recordFeedback(requests.feedback(step, suggestion, index)),
          answer -> {
            Outcome outcome = Answers.receipt(answer);
            if (outcome.succeeded()) {
              given.acknowledge(step.tenant(), answer.getEventId());
            }
            return outcome;
          },
          done);
    };
  }

  private static long nanos(CallStep step) {
    return step.timeout().toNanos();
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
