package io.ballast.standalone.cli;

import com.google.protobuf.Timestamp;
import io.ballast.kit.runtime.Role;
import io.ballast.reward.v1.CancelTrainingRequest;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.ListTrainingsResponse;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.RewardTrainingServiceGrpc.RewardTrainingServiceBlockingStub;
import io.ballast.reward.v1.TrainingProgress;
import io.ballast.reward.v1.TrainingState;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists, watches and cancels the trainings of the mesh's reward-server. */
@Command(
    name = "trainings",
    mixinStandardHelpOptions = true,
    description =
        "Lists, watches and cancels the trainings of the mesh's reward-server. Without a subcommand:"
            + " list.",
    footer = {
      "",
      "TRAINING is an id, its beginning, or NAME/VERSION (the newest of that version)."
    })
final class TrainingsCommand implements Callable<Integer> {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneId.systemDefault());
  private static final int ID_CHARACTERS = 36;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new TrainingsCommand())
        .addSubcommand(new ListTrainings(context))
        .addSubcommand(new WatchTraining(context))
        .addSubcommand(new CancelTraining(context));
  }

  @Override
  public Integer call() {
    return Objects.requireNonNull(spec.commandLine().getSubcommands().get("list")).execute();
  }

  private static MeshTarget.Connection connect(MeshTarget target) {
    return target.connect(Role.REWARD_SERVER, RewardTrainingServiceGrpc.SERVICE_NAME);
  }

  private static RewardTrainingServiceBlockingStub stub(MeshTarget.Connection mesh) {
    return RewardTrainingServiceGrpc.newBlockingStub(mesh.channel())
        .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS);
  }

  private static ListTrainingsResponse list(MeshTarget.Connection mesh, MeshTarget target) {
    return stub(mesh)
        .listTrainings(ListTrainingsRequest.newBuilder().setMetadata(target.metadata()).build());
  }

  /** The training that {@code given} names. */
  private static RewardTraining resolve(
      MeshTarget.Connection mesh, MeshTarget target, String given) {
    if (given.isBlank()) { // it would be the beginning of every id
      throw new CommandFailure(
          Exit.USAGE,
          "NO_TRAINING_NAMED",
          "no training was named; ./mesh reward trainings list shows them");
    }
    List<RewardTraining> all = list(mesh, target).getTrainingsList();
    List<RewardTraining> found =
        all.stream().filter(each -> name(each).equals(given)).limit(1).toList();
    if (found.isEmpty()) {
      found = all.stream().filter(each -> each.getTrainingId().startsWith(given)).toList();
    }
    if (found.size() != 1) {
      throw new CommandFailure(
          Exit.FAILED,
          "UNKNOWN_RESOURCE",
          (found.isEmpty() || given.length() == ID_CHARACTERS
                  ? "no training " + given
                  : given + " is the beginning of " + found.size() + " trainings")
              + "; ./mesh reward trainings list shows them");
    }
    return found.getFirst();
  }

  private static String name(RewardTraining training) {
    return training.getModel() + "/" + training.getVersion();
  }

  /** Lists trainings. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Lists the trainings that the reward-server remembers, the newest first.")
  static final class ListTrainings implements Callable<Integer> {
    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    ListTrainings(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        ListTrainingsResponse answer = list(mesh, target);
        printing.document(answer);
        TextTable table = TextTable.headed("training", "version", "state", "begun", "");
        for (RewardTraining training : answer.getTrainingsList()) {
          table.row(
              training.getTrainingId(),
              name(training),
              TrainingWatcher.state(training),
              time(training.getStartTime()),
              detail(training));
        }
        printing.table(table);
        if (table.isEmpty()) {
          printing.line("none; ./mesh reward train FILE --remote --name NAME starts one");
        }
        return Exit.OK.code();
      }
    }

    private static String time(Timestamp time) {
      return TIME.format(Instant.ofEpochSecond(time.getSeconds()));
    }

    private static String detail(RewardTraining training) {
      if (training.getState() == TrainingState.TRAINING_STATE_RUNNING) {
        TrainingProgress at = training.getProgress();
        String done =
            at.getAllCount() == 0
                ? String.format(Locale.ROOT, "%,d", at.getDoneCount())
                : String.format(Locale.ROOT, "%,d of %,d", at.getDoneCount(), at.getAllCount());
        return TrainingWatcher.words(at.getPhase()) + ", " + done;
      }
      return training.hasFailure() ? Excerpt.of(training.getFailure().getMessage(), 80) : "";
    }
  }

  /** Watches a training. */
  @Command(
      name = "watch",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Watches a training to its end. Ctrl-C leaves it running.",
      footer = {"", "Exit codes: 0 published; 1 failed, cancelled or interrupted."})
  static final class WatchTraining implements Callable<Integer> {
    @Parameters(paramLabel = "TRAINING", description = "The training.")
    private String training = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    private final CommandContext context;

    WatchTraining(CommandContext context) {
      this.context = context;
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() throws InterruptedException {
      try (MeshTarget.Connection mesh = connect(target)) {
        return new TrainingWatcher(printing, target, context)
            .watch(mesh, resolve(mesh, target, training))
            .code();
      }
    }
  }

  /** Cancels a training. */
  @Command(
      name = "cancel",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Ends a training without a version, and waits until it has ended.")
  static final class CancelTraining implements Callable<Integer> {
    @Parameters(paramLabel = "TRAINING", description = "The training.")
    private String training = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    CancelTraining(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        RewardTraining ended =
            stub(mesh)
                .cancelTraining(
                    CancelTrainingRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setTrainingId(resolve(mesh, target, training).getTrainingId())
                        .build())
                .getTraining();
        printing.document(ended);
        printing.line(name(ended) + ": " + TrainingWatcher.state(ended));
        return Exit.OK.code();
      }
    }
  }
}
