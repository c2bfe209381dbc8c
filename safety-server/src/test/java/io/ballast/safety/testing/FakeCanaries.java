package io.ballast.safety.testing;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.policy.v1.AliasCanary;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.CanaryArm;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.EndCanaryResponse;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.ListAliasesResponse;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The aliases and the log of a policy-server: one alias "serving" with its moves, and decisions.
 * Thread-safe.
 */
public final class FakeCanaries {
  public static final String CONTROL = "b";

  public final TestClock clock = new TestClock();

  /** Every request for the end of a canary, refused ones too, in order. */
  public final List<EndCanaryRequest> ends = new CopyOnWriteArrayList<>();

  /** Whether nothing answers. */
  public volatile boolean away;

  /** Whether the log does not answer. */
  public volatile boolean logAway;

  /** Whether canaries are not ended. */
  public volatile boolean endsAway;

  /** Whether no canary is completed, as when its certificate was revoked. */
  public volatile boolean closed;

  /** What is done before a page of the log is read. */
  public volatile Runnable onRead = () -> {};

  /** Another alias, of which only this is known. */
  public volatile @Nullable PolicyAlias other;

  private final List<AliasMove> moves = new ArrayList<>();
  private final List<Logged> log = new ArrayList<>();
  private final Map<String, EndCanaryRequest> keys = new HashMap<>();
  private final StatusMapper statuses = new StatusMapper("policy-server");

  private record Logged(Instant at, DecisionRecord record) {}

  FakeCanaries() {
    move(AliasMove.newBuilder().setKind("create").setToVersion(CONTROL));
  }

  /** Begins a canary by a certificate, and returns the alias's revision since. */
  public synchronized long begin(String version, String certificateId) {
    return move(
        AliasMove.newBuilder()
            .setKind("canary")
            .setFromVersion(CONTROL)
            .setToVersion(CONTROL)
            .setCertificateId(certificateId)
            .setCanaryVersion(version)
            .setCanaryShare(0.25));
  }

  /** Points the alias to a version, by a certificate. */
  public synchronized void promote(String version, String certificateId) {
    move(
        AliasMove.newBuilder()
            .setKind("promote")
            .setFromVersion(moves.getFirst().getToVersion())
            .setToVersion(version)
            .setCertificateId(certificateId));
  }

  /** Another move of the alias. */
  public synchronized long move(String kind, String reason) {
    return move(AliasMove.newBuilder().setKind(kind).setToVersion(CONTROL).setReason(reason));
  }

  private long move(AliasMove.Builder move) {
    moves.addFirst(move.setMoveTime(Timestamps.of(clock.instant())).build());
    return moves.size();
  }

  /** A decision that showed a text, answered or not; it is recorded now. */
  public void shown(CanaryArm arm, String version, String text, @Nullable Boolean taken) {
    log(arm, version, text, taken, record -> {});
  }

  /** The same of the arms of the canary "a". */
  public void shown(CanaryArm arm, String text, @Nullable Boolean taken) {
    shown(arm, arm == CanaryArm.CANARY_ARM_CANARY ? "a" : CONTROL, text, taken);
  }

  /** A decision that is otherwise. */
  public synchronized void log(
      CanaryArm arm,
      String version,
      String text,
      @Nullable Boolean taken,
      java.util.function.Consumer<SuggestionRecord.Builder> change) {
    SuggestionRecord.Builder suggestion =
        SuggestionRecord.newBuilder()
            .setResponse(
                SuggestResponse.newBuilder()
                    .setSuggestionId(new UUID(7, log.size()).toString())
                    .setDecision(Decision.DECISION_SHOW)
                    .setText(text)
                    .setPolicyVersion(FakePolicyServer.candidate(version)))
            .setTenant("t" + log.size())
            .setPrompt("int x = ")
            .setArm(arm)
            .setAliasRevision(moves.size());
    change.accept(suggestion);
    DecisionRecord.Builder record = DecisionRecord.newBuilder().setSuggestion(suggestion);
    if (taken != null) {
      record.setOutcome(event(taken));
    }
    log.add(new Logged(clock.instant(), record.build()));
  }

  /** Somebody answers the decision at this index. */
  public synchronized void answer(int index, boolean taken) {
    Logged logged = log.get(index);
    log.set(
        index,
        new Logged(logged.at(), logged.record().toBuilder().setOutcome(event(taken)).build()));
  }

  private static FeedbackEvent event(boolean taken) {
    FeedbackEvent.Builder event = FeedbackEvent.newBuilder();
    return taken
        ? event.setAccepted(io.ballast.policy.v1.Accepted.getDefaultInstance()).build()
        : event.setRejected(Rejected.getDefaultInstance()).build();
  }

  /** Answers ListAliases. */
  synchronized void list(StreamObserver<ListAliasesResponse> observer) {
    if (away) {
      observer.onError(Status.UNAVAILABLE.asRuntimeException());
      return;
    }
    ListAliasesResponse.Builder response = ListAliasesResponse.newBuilder();
    PolicyAlias first = other;
    if (first != null) {
      response.addAliases(first);
    }
    observer.onNext(response.addAliases(alias()).build());
    observer.onCompleted();
  }

  private PolicyAlias alias() {
    PolicyAlias.Builder alias =
        PolicyAlias.newBuilder()
            .setModel(FakePolicyServer.MODEL)
            .setAlias("serving")
            .setVersion(moves.getFirst().getToVersion())
            .setRevision(moves.size())
            .addAllMoves(moves);
    AliasMove last = moves.getFirst();
    if (last.getKind().equals("canary")) {
      alias.setCanary(
          AliasCanary.newBuilder()
              .setVersion(last.getCanaryVersion())
              .setShare(last.getCanaryShare())
              .setStartRevision(moves.size())
              .setStartTime(last.getMoveTime()));
    }
    return alias.build();
  }

  /** Answers EndCanary: once a key, and only the canary that is under way. */
  synchronized void end(EndCanaryRequest request, StreamObserver<EndCanaryResponse> observer) {
    ends.add(request);
    boolean complete = request.getOutcome() == CanaryOutcome.CANARY_OUTCOME_COMPLETE;
    if (away || endsAway) {
      observer.onError(Status.UNAVAILABLE.asRuntimeException());
      return;
    }
    if (complete && closed) {
      observer.onError(refusal(Fault.SAFETY_GATE_CLOSED, "its certificate was revoked"));
      return;
    }
    EndCanaryRequest before = keys.get(request.getMetadata().getIdempotencyKey());
    if (before == null) {
      boolean underWay =
          moves.getFirst().getKind().equals("canary")
              && moves.size() == request.getStartRevision()
              && moves.getFirst().getCanaryVersion().equals(request.getCanaryVersion());
      if (!underWay) {
        observer.onError(refusal(Fault.VERSION_CONFLICT, "no such canary"));
        return;
      }
      keys.put(request.getMetadata().getIdempotencyKey(), request);
      move(
          AliasMove.newBuilder()
              .setKind(complete ? "canary_complete" : "canary_roll_back")
              .setToVersion(complete ? request.getCanaryVersion() : CONTROL)
              .setReason(request.getReason())
              .setCanaryNumbers(request.getNumbers()));
    } else if (!before.equals(request)) {
      observer.onError(Status.INVALID_ARGUMENT.asRuntimeException());
      return;
    }
    observer.onNext(EndCanaryResponse.newBuilder().setAlias(alias()).build());
    observer.onCompleted();
  }

  private StatusRuntimeException refusal(Fault fault, String words) {
    return statuses.judge(new MeshException(fault, words)).answer();
  }

  /** The moves of the alias, the latest first. */
  public synchronized List<AliasMove> moves() {
    return List.copyOf(moves);
  }

  /** The log as a service. */
  final class Log extends FeedbackServiceGrpc.FeedbackServiceImplBase {
    @Override
    public void streamDecisions(
        StreamDecisionsRequest request, StreamObserver<StreamDecisionsResponse> observer) {
      if (away || logAway || !request.getAllTenants()) {
        observer.onError(Status.UNAVAILABLE.asRuntimeException());
        return;
      }
      onRead.run();
      page(request).forEach(observer::onNext);
      observer.onCompleted();
    }
  }

  private synchronized List<StreamDecisionsResponse> page(StreamDecisionsRequest request) {
    int from = request.getAfterCursor().isEmpty() ? 0 : Integer.parseInt(request.getAfterCursor());
    Instant youngest =
        clock.instant().minus(Duration.ofSeconds(request.getMinAgeDuration().getSeconds()));
    List<StreamDecisionsResponse> page = new ArrayList<>();
    for (int i = from; i < log.size() && page.size() < request.getMaxDecisions(); i++) {
      if (log.get(i).at().isAfter(youngest)) {
        break;
      }
      if (!log.get(i).at().isBefore(Timestamps.instant(request.getSinceTime()))) {
        page.add(
            StreamDecisionsResponse.newBuilder()
                .setCursor(Integer.toString(i + 1))
                .setRecord(log.get(i).record())
                .build());
      }
    }
    return page;
  }
}
