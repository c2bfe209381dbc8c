package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.StopReason;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.Rating;
import io.ballast.policy.v1.Reaction;
import io.ballast.policy.v1.ReactionKind;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.TrainingRecord;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What people say is read on from a cursor, and waited for if that is asked. */
class GrpcFeedbackStreamTest {
  private final List<StreamTrainingRecordsRequest> asked = new CopyOnWriteArrayList<>();
  private final List<FeedbackEvent> there = new ArrayList<>();
  private final List<FeedbackEvent> later = new ArrayList<>();
  private StopReason reason = StopReason.STOP_REASON_STOP_STRING;
  private Decision decision = Decision.DECISION_SHOW;
  private Status failure = Status.OK;
  private Status broken = Status.OK; // of a stream that is followed
  private Duration holds = Duration.ZERO; // before it is
  private final String name = InProcessServerBuilder.generateName();
  private final ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
  private final AtomicLong nanos = new AtomicLong();
  private final FeedbackStream stream =
      new GrpcFeedbackStream(channel, Duration.ofSeconds(30), nanos::get);
  private final Server server =
      InProcessServerBuilder.forName(name).addService(new Feedback()).build();

  @BeforeEach
  void start() throws IOException {
    var unused = server.start();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  /** A stream that is followed gives what comes later, and goes on. */
  private final class Feedback extends FeedbackServiceGrpc.FeedbackServiceImplBase {
    @Override
    public void streamTrainingRecords(
        StreamTrainingRecordsRequest request,
        StreamObserver<StreamTrainingRecordsResponse> observer) {
      asked.add(request);
      int after =
          request.getAfterCursor().isEmpty() ? 0 : Integer.parseInt(request.getAfterCursor());
      List<FeedbackEvent> events = new ArrayList<>(there);
      if (request.getFollow()) {
        events.addAll(later);
      }
      for (int i = after; i < events.size(); i++) {
        observer.onNext(response(i + 1, events.get(i)));
      }
      if (!failure.isOk()) {
        observer.onError(failure.asRuntimeException());
      } else if (request.getFollow() && !broken.isOk()) {
        nanos.addAndGet(holds.toNanos());
        observer.onError(broken.asRuntimeException());
      } else if (!request.getFollow()) {
        observer.onCompleted();
      }
    }
  }

  private StreamTrainingRecordsResponse response(int cursor, FeedbackEvent event) {
    return StreamTrainingRecordsResponse.newBuilder()
        .setCursor(Integer.toString(cursor))
        .setRecord(
            TrainingRecord.newBuilder()
                .setSuggestion(
                    SuggestionRecord.newBuilder()
                        .setPrompt("p" + cursor)
                        .setResponse(SuggestResponse.newBuilder().setDecision(decision))
                        .setCompletion(
                            Completion.newBuilder().setText("c" + cursor).setStopReason(reason)))
                .setEvent(event))
        .build();
  }

  private List<FeedbackStream.Event> read(String cursor, Duration wait, int most) {
    List<FeedbackStream.Event> events = new ArrayList<>();
    stream.read(
        "acme",
        cursor,
        wait,
        event -> {
          events.add(event);
          return events.size() < most;
        });
    return events;
  }

  private static FeedbackEvent yes() {
    return FeedbackEvent.newBuilder().setAccepted(Accepted.getDefaultInstance()).build();
  }

  private static FeedbackEvent no() {
    return FeedbackEvent.newBuilder().setRejected(Rejected.getDefaultInstance()).build();
  }

  private static FeedbackEvent reaction(ReactionKind kind) {
    return FeedbackEvent.newBuilder().setReaction(Reaction.newBuilder().setKind(kind)).build();
  }

  @Test
  void yesAndNoAreLabelsAndEverythingElseIsNone() {
    there.add(yes());
    there.add(no());
    there.add(reaction(ReactionKind.REACTION_KIND_LOVE));
    there.add(reaction(ReactionKind.REACTION_KIND_DISLIKE));
    there.add(FeedbackEvent.newBuilder().setEdited(Edited.getDefaultInstance()).build());
    there.add(FeedbackEvent.newBuilder().setRating(Rating.getDefaultInstance()).build());
    there.add(FeedbackEvent.getDefaultInstance());

    assertThat(read("", Duration.ZERO, 100))
        .extracting(FeedbackStream.Event::good)
        .containsExactly(
            Optional.of(true),
            Optional.of(false),
            Optional.of(true),
            Optional.of(false),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    assertThat(asked)
        .singleElement()
        .satisfies(request -> assertThat(request.getMetadata().getTenant()).isEqualTo("acme"));
  }

  @Test
  void itGoesOnAfterItsCursorAndStopsWhenItHasEnough() {
    there.addAll(List.of(yes(), no(), yes(), no()));

    assertThat(read("1", Duration.ofHours(1), 2))
        .containsExactly(
            new FeedbackStream.Event("2", "p2", "c2", false, Optional.of(false)),
            new FeedbackStream.Event("3", "p3", "c3", false, Optional.of(true)));
    assertThat(asked).hasSize(1);
  }

  @Test
  void whatALimitEndedIsToldFromWhatThePolicyEnded() {
    there.addAll(List.of(yes(), yes()));

    assertThat(read("", Duration.ZERO, 1))
        .extracting(FeedbackStream.Event::cutOff)
        .containsExactly(false);
    reason = StopReason.STOP_REASON_MAX_TOKENS;
    assertThat(read("", Duration.ZERO, 1))
        .extracting(FeedbackStream.Event::cutOff)
        .containsExactly(true);
  }

  @Test
  void whatWasNotShownHasNoCompletion() {
    decision = Decision.DECISION_WITHHOLD;
    there.add(yes());

    assertThat(read("", Duration.ZERO, 5))
        .extracting(FeedbackStream.Event::completion)
        .containsExactly("");
  }

  @Test
  void whatComesLaterIsWaitedForWhereTheFirstPassEnded() {
    there.add(yes());
    later.add(no());

    assertThat(read("", Duration.ofMinutes(1), 2))
        .extracting(FeedbackStream.Event::cursor)
        .containsExactly("1", "2");
    assertThat(asked)
        .extracting(StreamTrainingRecordsRequest::getAfterCursor)
        .containsExactly("", "1");
    assertThat(asked.getLast().getFollow()).isTrue();
  }

  @Test
  void aWaitThatIsOverIsNoFailure() {
    there.add(yes());

    assertThat(read("", Duration.ofMillis(1), 2)).hasSize(1);
  }

  @Test
  void aStreamThatBreaksAfterItHeldIsNoFailure() {
    there.add(yes());
    later.add(no());
    broken = Status.UNAVAILABLE;
    holds = Duration.ofSeconds(1);

    assertThat(read("", Duration.ofMinutes(1), 3))
        .as("what it gave, to be asked on from there")
        .extracting(FeedbackStream.Event::cursor)
        .containsExactly("1", "2");
  }

  @Test
  void oneThatBreaksAtOnceIsAFailureAndSoIsOneThatIsCancelled() {
    broken = Status.UNAVAILABLE;
    holds = Duration.ofMillis(999);

    assertThatThrownBy(() -> read("", Duration.ofMinutes(1), 3))
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> assertThat(thrown.fault()).isEqualTo(Fault.DEPENDENCY_DOWN));

    broken = Status.CANCELLED;
    holds = Duration.ofHours(1);
    assertThatThrownBy(() -> read("", Duration.ofMinutes(1), 3))
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void aServerThatIsAwayIsOne() {
    failure = Status.UNAVAILABLE;

    assertThatThrownBy(() -> read("", Duration.ofMinutes(1), 2))
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> assertThat(thrown.fault()).isEqualTo(Fault.DEPENDENCY_DOWN));
  }
}
