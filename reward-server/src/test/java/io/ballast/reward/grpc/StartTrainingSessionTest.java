package io.ballast.reward.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.adapter.Courtesy;
import io.ballast.reward.adapter.FolderRewardTrainer;
import io.ballast.reward.adapter.SpooledUploads;
import io.ballast.reward.core.training.JudgementUploads;
import io.ballast.reward.core.training.JudgementUploads.FileName;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.TrainingBook;
import io.ballast.reward.core.training.TrainingDesk;
import io.ballast.reward.core.training.TrainingLedger;
import io.ballast.reward.core.training.TrainingTrail;
import io.ballast.reward.core.training.TrainingWatch;
import io.ballast.reward.v1.ObjectivesChoice;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.UploadChoice;
import io.ballast.training.data.JudgementData;
import io.grpc.stub.ServerCallStreamObserver;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A caller has the time that the server waits for it, and none of what the server does. */
class StartTrainingSessionTest {
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);
  private static final Duration WHOLE = Duration.ofMinutes(30);
  private static final String BAD_ROW = "no JSON\n";
  private static final String PAIR =
      "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}\n";

  @TempDir private Path folder = Path.of(".");
  private Duration perPiece = Duration.ZERO; // that the caller takes
  private Duration perWork = Duration.ZERO; // that the server takes to write, and to read
  private long now; // nanoseconds

  @Test
  void whoNeverFallsSilentButTakesTooLongIsGivenUp() {
    perPiece = Duration.ofMinutes(1);
    Script script = new Script();
    script.send(upload());
    for (int minute = 1; minute <= 30; minute++) {
      script.send(piece("", "\n"));
    }
    assertThatThrownBy(() -> answer(script))
        .hasMessage("judgements.jsonl: not whole after 1,800,000 ms, the limit")
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.TIMED_OUT));
  }

  @Test
  void anEndThatIsThereIsTakenWithNoTimeLeft() {
    perPiece = Duration.ofMinutes(1);
    Script script = new Script();
    script.send(upload());
    for (int minute = 1; minute < 30; minute++) {
      script.send(piece("", "\n"));
    }
    script.endsWith(piece("", BAD_ROW));
    assertThatThrownBy(() -> answer(script)).hasMessageContaining("1 bad row: row 30: ");
  }

  @Test
  void whatTheServerTakesToWriteAndReadIsNotTheCallers() {
    perPiece = Duration.ofSeconds(1);
    perWork = Duration.ofMinutes(20);
    ObjectivesChoice.Builder choice = ObjectivesChoice.newBuilder();
    choice.addObjectivesBuilder().setName("love").setWeight(1);
    choice.addObjectivesBuilder().setName("cost").setWeight(-0.5);
    Script script = new Script();
    script.send(plan(TrainingPlan.newBuilder().setObjectives(choice)));
    script.send(piece("love", PAIR));
    script.send(piece("love", PAIR));
    script.send(piece("cost", PAIR));
    script.endsWith(piece("cost", BAD_ROW));
    assertThatThrownBy(() -> answer(script))
        .hasMessageStartingWith("cost: ")
        .hasMessageContaining("1 bad row: row 2: ");
  }

  private static StartTrainingRequest upload() {
    return plan(TrainingPlan.newBuilder().setUpload(UploadChoice.getDefaultInstance()));
  }

  private static StartTrainingRequest plan(TrainingPlan.Builder plan) {
    return StartTrainingRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey("k"))
        .setPlan(plan.setName("taste"))
        .build();
  }

  private static StartTrainingRequest piece(String objective, String text) {
    return StartTrainingRequest.newBuilder()
        .setObjectiveName(objective)
        .setFileBytes(ByteString.copyFromUtf8(text))
        .build();
  }

  private StartTrainingResponse answer(Script script) {
    SpooledUploads uploads = new SpooledUploads(folder.resolve("uploads"), 1 << 20, 1_000);
    try (TrainingDesk desk = desk()) {
      StartTrainingSession session =
          new StartTrainingSession(
              desk,
              () -> slow(uploads.begin()),
              new TrainingMapper(RequestContexts::from),
              new TrainingPlanMapper(0, 1_000),
              new UploadPatience(Duration.ofMinutes(2), WHOLE, () -> now),
              script);
      script.to = session;
      return session.answer();
    }
  }

  private TrainingDesk desk() {
    return new TrainingDesk(
        new TrainingBook(new NoLedger()),
        new FolderRewardTrainer(
            List.of(folder.resolve("models")),
            folder.resolve("work"),
            1,
            new Courtesy(() -> 0, millis -> {}),
            model -> Optional.empty()),
        (query, progress) -> {
          throw new AssertionError("nobody asked for feedback");
        },
        new TimeOrderedIds(CLOCK, new Random(1)),
        CLOCK,
        new NoWatch(),
        new NoTrail());
  }

  /** The same, with time going by while it works. */
  private JudgementUploads.Upload slow(JudgementUploads.Upload upload) {
    return new JudgementUploads.Upload() {
      @Override
      public void write(FileName of, ByteBuffer bytes) {
        now += perWork.toNanos();
        upload.write(of, bytes);
      }

      @Override
      public JudgementData read(FileName of, boolean skipsBad) {
        now += perWork.toNanos();
        return upload.read(of, skipsBad);
      }

      @Override
      public void close() {
        upload.close();
      }
    };
  }

  /** A caller who sends the next message when it is asked for, having taken its time. */
  private final class Script extends ServerCallStreamObserver<StartTrainingResponse> {
    private final Queue<StartTrainingRequest> messages = new ArrayDeque<>();
    private boolean ends;
    private @Nullable StartTrainingSession to;

    void send(StartTrainingRequest message) {
      messages.add(message);
    }

    void endsWith(StartTrainingRequest last) {
      messages.add(last);
      ends = true;
    }

    @Override
    public void request(int count) {
      StartTrainingSession session = Objects.requireNonNull(to);
      StartTrainingRequest next = messages.poll();
      if (next != null) {
        now += perPiece.toNanos();
        session.onNext(next);
        if (ends && messages.isEmpty()) {
          session.onCompleted();
        }
      }
    }

    @Override
    public void disableAutoRequest() {}

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {}

    @Override
    public void setCompression(String compression) {}

    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {}

    @Override
    public void setMessageCompression(boolean enable) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void onNext(StartTrainingResponse response) {}

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onCompleted() {}
  }

  /** No training is begun. */
  private static final class NoLedger implements TrainingLedger {
    @Override
    public List<Training> all() {
      return List.of();
    }

    @Override
    public void save(Training training) {
      throw new AssertionError("a training is begun: " + training);
    }

    @Override
    public void forget(UUID id) {}
  }

  private static final class NoWatch implements TrainingWatch {
    @Override
    public void started() {}

    @Override
    public void ended(Training.State state, Optional<Duration> time) {}
  }

  /** Keeps nothing. */
  private static final class NoTrail implements TrainingTrail {
    @Override
    public void begins(Training training) {}

    @Override
    public void cancels(Training training) {}

    @Override
    public void ended(Training training) {}

    @Override
    public void interruptedBut(Set<UUID> known) {}
  }
}
