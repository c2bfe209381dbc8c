package io.ballast.loadtest.call;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads one streamed suggestion, as fast as its step says: after each message it asks for the next
 * when its time has come, so that a slow reader holds the server up as a slow network does.
 */
final class SlowStream
    implements ClientResponseObserver<SuggestStreamRequest, SuggestStreamResponse> {
  private final CallStep step;
  private final ScheduledExecutorService clock;
  private final Consumer<String> suggestion;
  private final Consumer<Outcome> done;
  private @Nullable ClientCallStreamObserver<SuggestStreamRequest> call;
  private @Nullable Outcome outcome;

  SlowStream(
      CallStep step,
      ScheduledExecutorService clock,
      Consumer<String> suggestion,
      Consumer<Outcome> done) {
    this.step = step;
    this.clock = clock;
    this.suggestion = suggestion;
    this.done = done;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<SuggestStreamRequest> call) {
    this.call = call;
    call.disableAutoRequestWithInitial(1);
  }

  @Override
  public void onNext(SuggestStreamResponse message) {
    if (outcome != null) {
      outcome = Outcome.wrong("MORE_AFTER_THE_END");
    } else if (message.hasFinished()) {
      outcome = Answers.suggestion(step, message.getFinished());
      if (outcome.succeeded()) {
        suggestion.accept(message.getFinished().getSuggestionId());
      }
    }
    ClientCallStreamObserver<SuggestStreamRequest> started = call;
    if (started == null) {
      return;
    }
    if (step.readEvery().isZero()) {
      started.request(1);
    } else {
      var unused =
          clock.schedule(
              () -> started.request(1), step.readEvery().toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  @Override
  public void onError(Throwable thrown) {
    done.accept(Watching.failed(thrown));
  }

  @Override
  public void onCompleted() {
    done.accept(outcome == null ? Outcome.wrong("STREAM_WITHOUT_ANSWER") : outcome);
  }
}
