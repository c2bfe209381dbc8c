package io.ballast.orchestrator.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.StopReason;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Iterator;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/** The feedback that the policy-server keeps, read on from a cursor. */
public final class GrpcFeedbackStream implements FeedbackStream {
  /** A stream that breaks after so long was there: that is no failure of the call. */
  private static final Duration HELD = Duration.ofSeconds(1);

  private final FeedbackServiceGrpc.FeedbackServiceBlockingStub feedback;
  private final Duration timeout;
  private final LongSupplier nanoTime;

  /**
   * @param timeout how long reading what is there may take
   */
  public GrpcFeedbackStream(Channel policyServer, Duration timeout, LongSupplier nanoTime) {
    this.feedback = FeedbackServiceGrpc.newBlockingStub(policyServer);
    this.timeout = timeout;
    this.nanoTime = nanoTime;
  }

  /** First what is there, so that no wait cuts it short; then, if need be, what comes meanwhile. */
  @Override
  public void read(String tenant, String cursor, Duration wait, Predicate<Event> sink) {
    long start = nanoTime.getAsLong();
    Reading reading = new Reading(cursor, sink);
    pass(tenant, reading, false, timeout);
    long begun = nanoTime.getAsLong();
    Duration left = wait.minusNanos(begun - start);
    if (reading.enough || !left.isPositive()) {
      return;
    }
    try {
      pass(tenant, reading, true, left);
      if (!reading.enough && !held(begun)) {
        throw new MeshException(
            Fault.DEPENDENCY_DOWN,
            PeerCalls.POLICY_SERVER + ": it ended a stream of feedback at once");
      }
    } catch (StatusRuntimeException e) {
      if (!waitedOrHeld(e.getStatus().getCode(), begun)) {
        throw PeerCalls.judge(e, PeerCalls.POLICY_SERVER);
      }
    }
  }

  private boolean waitedOrHeld(Status.Code code, long begun) {
    return code == Status.Code.DEADLINE_EXCEEDED
        || (code != Status.Code.CANCELLED && held(begun)); // whoever cancels does not ask again
  }

  private boolean held(long begun) {
    return nanoTime.getAsLong() - begun >= HELD.toNanos();
  }

  /** How far it has come. */
  private static final class Reading {
    private final Predicate<Event> sink;
    private String cursor;
    private boolean enough;

    private Reading(String cursor, Predicate<Event> sink) {
      this.cursor = cursor;
      this.sink = sink;
    }

    private void take(StreamTrainingRecordsResponse response) {
      cursor = response.getCursor();
      enough = !sink.test(event(response));
    }
  }

  private void pass(String tenant, Reading reading, boolean follow, Duration limit) {
    StreamTrainingRecordsRequest request =
        StreamTrainingRecordsRequest.newBuilder()
            .setMetadata(PeerCalls.metadata(tenant))
            .setAfterCursor(reading.cursor)
            .setFollow(follow)
            .build();
    CancellableContext asking = Context.current().withCancellation(); // a stream that is left ends
    Context before = asking.attach();
    try {
      Iterator<StreamTrainingRecordsResponse> records =
          feedback
              .withDeadlineAfter(limit.toNanos(), TimeUnit.NANOSECONDS)
              .streamTrainingRecords(request);
      while (!reading.enough && records.hasNext()) {
        reading.take(records.next());
      }
    } catch (StatusRuntimeException e) {
      if (follow) {
        throw e;
      }
      throw PeerCalls.judge(e, PeerCalls.POLICY_SERVER);
    } finally {
      asking.detachAndCancel(before, null);
    }
  }

  private static Event event(StreamTrainingRecordsResponse response) {
    SuggestionRecord suggestion = response.getRecord().getSuggestion();
    boolean shown = suggestion.getResponse().getDecision() == Decision.DECISION_SHOW;
    return new Event(
        response.getCursor(),
        suggestion.getPrompt(),
        shown ? suggestion.getCompletion().getText() : "",
        cutOff(suggestion.getCompletion().getStopReason()),
        good(response.getRecord().getEvent()));
  }

  private static boolean cutOff(StopReason reason) {
    return switch (reason) {
      case STOP_REASON_MAX_TOKENS,
          STOP_REASON_CONTEXT_FULL,
          STOP_REASON_CANCELLED,
          STOP_REASON_GRAMMAR_INCOMPLETE ->
          true;
      case STOP_REASON_END_OF_TEXT,
          STOP_REASON_STOP_STRING,
          STOP_REASON_STOP_TOKEN,
          STOP_REASON_GRAMMAR_COMPLETE,
          STOP_REASON_UNSPECIFIED,
          UNRECOGNIZED ->
          false;
    };
  }

  /** An edit keeps a part and a rating is of a scale of its own: neither is a yes or a no. */
  private static Optional<Boolean> good(FeedbackEvent event) {
    return switch (event.getEventCase()) {
      case ACCEPTED -> Optional.of(true);
      case REJECTED -> Optional.of(false);
      case REACTION ->
          switch (event.getReaction().getKind()) {
            case REACTION_KIND_LIKE, REACTION_KIND_LOVE -> Optional.of(true);
            case REACTION_KIND_DISLIKE -> Optional.of(false);
            case REACTION_KIND_UNSPECIFIED, UNRECOGNIZED -> Optional.empty();
          };
      case EDITED, FOLLOW_UP, RATING, EVENT_NOT_SET -> Optional.empty();
    };
  }
}
