package io.ballast.standalone.cli;

import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.TrainingPlan;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** Has the mesh's reward-server train, and watches it. */
final class RemoteTraining {
  private static final String BAD_ROWS_COUNT = "bad_rows_count";

  private final Printing printing;
  private final MeshTarget target;
  private final CommandContext context;

  RemoteTraining(Printing printing, MeshTarget target, CommandContext context) {
    this.printing = printing;
    this.target = target;
    this.context = context;
  }

  /**
   * Starts a training and, unless detached, follows it to its end.
   *
   * @param metadata with an idempotency key
   * @param files that it learns from, by the objectives that they are of; one file that is of none
   *     is under an empty name
   * @throws CommandFailure if rows of theirs are bad
   */
  Exit run(RequestMetadata metadata, TrainingPlan plan, Map<String, Path> files, boolean detach)
      throws IOException, InterruptedException {
    try (MeshTarget.Connection mesh =
        target.connect(Role.REWARD_SERVER, RewardTrainingServiceGrpc.SERVICE_NAME)) {
      StartTrainingResponse started =
          start(
              mesh,
              StartTrainingRequest.newBuilder().setMetadata(metadata).setPlan(plan).build(),
              files);
      RewardTraining training = started.getTraining();
      printing.line(
          "training %s of %s/%s %s; ./mesh reward trainings cancel %s ends it"
              .formatted(
                  training.getTrainingId(),
                  training.getModel(),
                  training.getVersion(),
                  started.getDuplicate() ? "was begun before with this key" : "has begun",
                  training.getTrainingId()));
      if (detach) {
        printing.document(training);
        return Exit.OK;
      }
      return new TrainingWatcher(printing, target, context).watch(mesh, training);
    }
  }

  private StartTrainingResponse start(
      MeshTarget.Connection mesh, StartTrainingRequest first, Map<String, Path> files)
      throws IOException, InterruptedException {
    try {
      return new TrainingUpload(mesh, new ProgressLine(printing, context.terminal()))
          .start(first, files);
    } catch (StatusRuntimeException e) {
      if (!isOfBadRows(e)) {
        throw e;
      }
      throw new CommandFailure(
          Exit.FAILED, "BAD_ROWS", e.getStatus().getDescription() + "; --skip-bad leaves them out");
    }
  }

  /** Whether rows of a file were refused: the server then says how many. */
  static boolean isOfBadRows(StatusRuntimeException refusal) {
    return PeerFaults.errorInfo(refusal).stream()
        .anyMatch(info -> info.containsMetadata(BAD_ROWS_COUNT));
  }
}
