package io.ballast.reward.wiring;

import io.ballast.inference.store.ModelStore;
import io.ballast.kit.audit.FileAudit;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.reward.adapter.AuditedTrainings;
import io.ballast.reward.adapter.Courtesy;
import io.ballast.reward.adapter.FolderRewardTrainer;
import io.ballast.reward.adapter.FolderTrainingLedger;
import io.ballast.reward.adapter.GrpcFeedbackLog;
import io.ballast.reward.adapter.GrpcServingVersions;
import io.ballast.reward.adapter.SpooledUploads;
import io.ballast.reward.config.TrainingConfig;
import io.ballast.reward.core.training.FeedbackSource;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.TrainingBook;
import io.ballast.reward.core.training.TrainingDesk;
import io.ballast.reward.grpc.RewardTrainingGrpcService;
import io.ballast.reward.grpc.TrainingMapper;
import io.ballast.reward.grpc.TrainingPlanMapper;
import io.ballast.reward.grpc.UploadPatience;
import io.ballast.reward.v1.RewardTraining;
import io.grpc.BindableService;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.function.IntSupplier;

/** What trains ensembles beside what serves them. */
final class RewardTrainings implements AutoCloseable {
  private static final String FOLDER = "reward-trainings";

  private final TrainingDesk desk;
  private final RewardTrainingGrpcService service;

  /**
   * @param promptTokens that the server shows its members
   * @param waiting how much waits to be scored
   * @param audit where it is told who has what trained
   */
  RewardTrainings(
      TrainingConfig config,
      int promptTokens,
      MeshRuntime runtime,
      IntSupplier waiting,
      FileAudit audit) {
    Path folder = runtime.dataFolder().resolve(FOLDER);
    new ModelStore(runtime.modelFolders().getFirst()).deleteLeftOver();
    FeedbackSource feedback = // the peer is asked for when somebody wants its feedback
        (query, progress) ->
            new GrpcFeedbackLog(runtime.peer(Role.POLICY_SERVER), config.feedbackTimeout())
                .read(query, progress);
    TrainingBook book = new TrainingBook(new FolderTrainingLedger(folder, new Records()));
    desk =
        new TrainingDesk(
            book,
            new FolderRewardTrainer(
                runtime.modelFolders(),
                folder.resolve("work"),
                config.threads(),
                new Courtesy(waiting, Thread::sleep),
                model -> new GrpcServingVersions(runtime.peer(Role.POLICY_SERVER)).of(model)),
            feedback,
            new TimeOrderedIds(runtime.clock(), new SecureRandom()),
            runtime.clock(),
            new TrainingMeters(runtime.meters()),
            new AuditedTrainings(audit));
    service =
        new RewardTrainingGrpcService(
            book,
            desk,
            new SpooledUploads(
                folder.resolve("uploads"), config.maxUploadBytes(), config.maxJudgements()),
            new TrainingMapper(RequestContexts::from),
            new TrainingPlanMapper(promptTokens, config.maxJudgements()),
            new UploadPatience(config.uploadPatience(), config.uploadTimeout(), runtime.nanoTime()),
            runtime.replies());
  }

  /** A training's record is its message. */
  private static final class Records implements FolderTrainingLedger.Format {
    @Override
    public byte[] write(Training training) {
      return TrainingMapper.message(training).toByteArray();
    }

    @Override
    public Training read(byte[] bytes) throws IOException {
      return TrainingMapper.training(RewardTraining.parseFrom(bytes));
    }
  }

  /** The training API. */
  BindableService service() {
    return service;
  }

  /** Interrupts what runs. */
  @Override
  public void close() {
    desk.close();
  }
}
