package io.ballast.reward.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.training.JudgementUploads;
import io.ballast.reward.core.training.JudgementUploads.FileName;
import io.ballast.reward.core.training.TrainingDesk;
import io.ballast.reward.core.training.TrainingOrder.Source;
import io.ballast.reward.v1.ObjectiveChoice;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingRequest.PartCase;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.training.data.JudgementData;
import io.ballast.training.reward.RewardData;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One training that is being asked for: the plan, then its files, a piece at a time. The next piece
 * is read from the wire when the last one is on disk. A caller who sends nothing for a while, or is
 * waited for too long in all, is given up, since others wait for the place.
 */
final class StartTrainingSession implements StreamObserver<StartTrainingRequest> {
  private static final int MAX_PIECE_BYTES = 4 << 20;

  private final TrainingDesk desk;
  private final JudgementUploads uploads;
  private final TrainingMapper mapper;
  private final TrainingPlanMapper plans;
  private final UploadPatience patience;
  private final ServerCallStreamObserver<StartTrainingResponse> call;
  private final BlockingQueue<Arrival> arrived = new LinkedBlockingQueue<>();

  /** How long the server has waited for the files; what it does itself is not the caller's. */
  private Duration waited = Duration.ZERO;

  /** What came of the caller. */
  private sealed interface Arrival {
    record Message(StartTrainingRequest request) implements Arrival {}

    record End() implements Arrival {}

    record BrokenOff() implements Arrival {}
  }

  StartTrainingSession(
      TrainingDesk desk,
      JudgementUploads uploads,
      TrainingMapper mapper,
      TrainingPlanMapper plans,
      UploadPatience patience,
      ServerCallStreamObserver<StartTrainingResponse> call) {
    this.desk = desk;
    this.uploads = uploads;
    this.mapper = mapper;
    this.plans = plans;
    this.patience = patience;
    this.call = call;
    call.disableAutoRequest();
  }

  @Override
  public void onNext(StartTrainingRequest request) {
    arrived.add(new Arrival.Message(request));
  }

  @Override
  public void onError(Throwable error) {
    arrived.add(new Arrival.BrokenOff());
  }

  @Override
  public void onCompleted() {
    arrived.add(new Arrival.End());
  }

  /** Takes all that the caller sends, and starts the training. */
  StartTrainingResponse answer() {
    StartTrainingRequest first =
        next().orElseThrow(() -> Texts.malformed("plan", "missing (expected: first of all)"));
    if (first.getPartCase() != PartCase.PLAN) {
      throw Texts.malformed("plan", "missing (expected: in the first message)");
    }
    Caller caller = mapper.caller(first.getMetadata());
    TrainingPlan plan = first.getPlan();
    desk.requireRoom(caller.tenant(), caller.idempotencyKey());
    var unused = plans.rewardPlan(plan.getOptions()); // before anybody uploads for nothing
    Source source =
        switch (plan.getSourceCase()) {
          case FEEDBACK -> feedback(plan);
          case UPLOAD -> upload(plan);
          case OBJECTIVES -> objectives(plan);
          case SOURCE_NOT_SET ->
              throw Texts.malformed(
                  "plan.source", "missing (expected: feedback, upload or objectives)");
        };
    TrainingDesk.Started started =
        desk.start(
            plans.order(
                caller,
                CallTenants.of(first.getMetadata()),
                CallTenants.bound().isPresent(),
                plan,
                source));
    return StartTrainingResponse.newBuilder()
        .setTraining(TrainingMapper.message(started.training()))
        .setDuplicate(started.duplicate())
        .build();
  }

  private Source feedback(TrainingPlan plan) {
    Source.Feedback source = plans.feedback(plan.getFeedback());
    if (next().isPresent()) {
      throw Texts.malformed("file_bytes", "expected: none, it learns from feedback");
    }
    return source;
  }

  private Source upload(TrainingPlan plan) {
    String name = TrainingPlanMapper.fileName("plan.upload", plan.getUpload().getFileName());
    FileName file = new FileName("", name);
    try (JudgementUploads.Upload upload = uploads.begin()) {
      Optional<StartTrainingRequest> more = file(upload, file, piece(file));
      if (more.isPresent()) {
        throw unexpected(more.get(), "none, there is one file");
      }
      return new Source.Upload(name, upload.read(file, plan.getSkipBadRows()));
    }
  }

  private Source objectives(TrainingPlan plan) {
    List<ObjectiveChoice> choices = TrainingPlanMapper.objectives(plan.getObjectives());
    List<RewardData.Objective> objectives = new ArrayList<>();
    try (JudgementUploads.Upload upload = uploads.begin()) {
      Optional<StartTrainingRequest> next = piece(file(choices.getFirst()));
      for (ObjectiveChoice choice : choices) {
        FileName file = file(choice);
        if (next.isPresent() && !next.get().getObjectiveName().equals(choice.getName())) {
          throw unexpected(
              next.get(),
              "\"%s\"; files come in the plan's order, and none is empty"
                  .formatted(choice.getName()));
        }
        next = file(upload, file, next);
        JudgementData judgements = upload.read(file, plan.getSkipBadRows());
        if (judgements.judgements().isEmpty()) {
          throw Texts.malformed(file.words(), "no judgements (expected: pairs or grades)");
        }
        objectives.add(
            new RewardData.Objective(
                choice.getName(), choice.getWeight(), file.name(), judgements));
      }
      if (next.isPresent()) {
        throw unexpected(
            next.get(),
            "nothing after the file of \"%s\", the plan's last"
                .formatted(choices.getLast().getName()));
      }
    }
    return new Source.Objectives(new RewardData.Objectives(objectives));
  }

  private static FileName file(ObjectiveChoice choice) {
    return new FileName(
        choice.getName(), TrainingPlanMapper.fileName("plan.objectives", choice.getFileName()));
  }

  private static MeshException unexpected(StartTrainingRequest piece, String expected) {
    return Texts.malformed(
        "objective_name", "\"%s\" (expected: %s)".formatted(piece.getObjectiveName(), expected));
  }

  /**
   * Takes a file.
   *
   * @param of which it is; pieces of it have its objective's name
   * @param first piece that came; empty after the last
   * @return the first piece that is not of it
   */
  private Optional<StartTrainingRequest> file(
      JudgementUploads.Upload upload, FileName of, Optional<StartTrainingRequest> first) {
    Optional<StartTrainingRequest> piece = first;
    while (piece.isPresent() && piece.get().getObjectiveName().equals(of.objective())) {
      upload.write(of, piece.get().getFileBytes().asReadOnlyByteBuffer());
      piece = piece(of);
    }
    return piece;
  }

  /**
   * The next piece of the files; empty after the last.
   *
   * @param of the one that was coming, for messages
   */
  private Optional<StartTrainingRequest> piece(FileName of) {
    Duration left = patience.whole().minus(waited);
    long asked = patience.nanoTime().getAsLong();
    Optional<StartTrainingRequest> message =
        left.compareTo(patience.silence()) > 0
            ? next()
            : next(
                left,
                "%s: not whole after %,d ms, the limit%s"
                    .formatted(
                        of.words(),
                        patience.whole().toMillis(),
                        of.objective().isEmpty() ? "" : " of all files"));
    waited = waited.plusNanos(patience.nanoTime().getAsLong() - asked);
    message.ifPresent(StartTrainingSession::requirePiece);
    return message;
  }

  private static void requirePiece(StartTrainingRequest message) {
    if (message.getPartCase() != PartCase.FILE_BYTES) {
      throw Texts.malformed("file_bytes", "missing (expected: in all messages but the first)");
    }
    int size = message.getFileBytes().size();
    if (size < 1 || size > MAX_PIECE_BYTES) {
      throw Texts.malformed(
          "file_bytes", "%,d bytes (expected: 1 to %,d)".formatted(size, MAX_PIECE_BYTES));
    }
  }

  /** The next message; empty after the last. */
  private Optional<StartTrainingRequest> next() {
    Duration silence = patience.silence();
    return next(silence, "nothing more came for %,d ms".formatted(silence.toMillis()));
  }

  private Optional<StartTrainingRequest> next(Duration most, String late) {
    call.request(1);
    try {
      // with no time left, what is there is taken all the same
      return switch (arrived.poll(most.toNanos(), TimeUnit.NANOSECONDS)) {
        case null -> throw new MeshException(Fault.TIMED_OUT, late);
        case Arrival.Message message -> Optional.of(message.request());
        case Arrival.End _ -> Optional.empty();
        case Arrival.BrokenOff _ -> throw new CancellationException("the caller left");
      };
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("the server is stopping");
    }
  }
}
