package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.reward.adapter.GrpcFeedbackLog;
import io.ballast.reward.core.training.FeedbackSource;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.UploadChoice;
import io.ballast.training.data.BadRowsException;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.JudgementFile;
import io.ballast.training.data.RowLimits;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.RewardPublisher;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.TrainingCommand;
import io.ballast.training.reward.VersionName;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains a reward ensemble from judgements and publishes it. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Trains a reward ensemble from a file of judgements, or from the feedback of a running mesh,"
          + " and publishes it in the data folder. With --remote the mesh's reward-server does so"
          + " in the background, and Ctrl-C leaves it running: ./mesh reward trainings shows,"
          + " watches and cancels it.",
      "A row of a file is a pair {\"prompt\", \"chosen\", \"rejected\"}, with margin, weight, user,"
          + " annotator and time if there are any, or a grade {\"prompt\", \"completion\"} with"
          + " label, rating (and minimum, maximum) or reaction: the names of TRL and OpenRLHF. See"
          + " training/README.md.",
      "With --objective and --weight members judge by several objectives, and their score is the"
          + " stated sum."
    },
    footer = {
      "",
      "Examples: ./mesh reward train pairs.jsonl.gz --name taste",
      "          ./mesh reward train --from-feedback --split-by time --name taste",
      "          ./mesh reward train pairs.jsonl.gz --remote --name taste",
      "          ./mesh reward train --objective love=ratings.jsonl --objective cost=cost.jsonl"
          + " --weight love=1 --weight cost=-0.5 --name taste",
      "Then:     ./mesh up --set ballast.reward.default-model=taste"
    })
final class RewardTrainCommand implements Callable<Integer> {
  /** How long reading all of the feedback may take. */
  private static final Duration FEEDBACK_TIMEOUT = Duration.ofMinutes(30);

  private static final long TOLD_EVERY = 10_000;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "FILE",
      description = "JSON lines of judgements, plain or gzip.")
  private @Nullable Path file;

  @Mixin private ObjectiveOptions objectives = new ObjectiveOptions();
  @Mixin private FeedbackOptions feedback = new FeedbackOptions();

  @Mixin private TrainingOptions options = new TrainingOptions();

  @Option(
      names = "--remote",
      description =
          "The mesh's reward-server trains, beside its scores, and publishes in its data folder."
              + " One training runs at a time.")
  private boolean remote;

  @Option(names = "--detach", description = "With --remote: start it and return at once.")
  private boolean detach;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description =
          "With --remote: idempotency key; the same key starts one training (default: a new one).")
  private @Nullable String key;

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  RewardTrainCommand(CommandContext context) {
    this.context = context;
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    long sources =
        Stream.of(file != null, feedback.isAsked(), objectives.isAsked()).filter(is -> is).count();
    if (sources != 1) {
      throw new ParameterException(
          spec.commandLine(),
          "give a FILE of judgements, --objective with --weight, or --from-feedback, one of them");
    }
    RewardPlan plan = options.plan().plan();
    if (objectives.isAsked() && plan.ownBlocks() > 0) {
      throw new ParameterException(
          spec.commandLine(),
          "--own-blocks: not with --objective: members that judge by several objectives share the"
              + " trunk whole");
    }
    List<ObjectiveOptions.Choice> choices = objectives.isAsked() ? objectives.choices() : List.of();
    if (remote) {
      return remotely(choices);
    }
    if (detach || key != null) {
      throw new ParameterException(spec.commandLine(), "--detach, --key: only with --remote");
    }
    files(choices).values().forEach(InputFile::require);
    LocalTraining training = new LocalTraining(context, printing, spec);
    List<Path> roots = data.models(context);
    VersionName version = options.version(spec, roots);
    StoredModel decoder = options.decoder(roots);
    return training.run(
        source(),
        version,
        work -> {
          RewardData judgements = judgements(choices);
          RewardTraining.Trained trained =
              new RewardTraining(
                      plan, work, training.threads(options.threads()), training.listener())
                  .train(judgements, decoder, options.skipBad());
          StoredModel published =
              new RewardPublisher(new ModelStore(roots.getFirst()), work)
                  .publish(
                      version.model(),
                      version.version(),
                      trained,
                      TrainingCommand.of(
                          words(judgements),
                          version,
                          decoder.name() + "/" + decoder.version(),
                          plan,
                          options.skipBad()));
          new TrainedReport(printing)
              .show(TrainedReport.Summary.of(published, trained, judgements));
        });
  }

  /** The files that are learned from, by objective, before anything is done with one of them. */
  private Map<String, Path> files(List<ObjectiveOptions.Choice> choices) {
    Map<String, Path> files = new LinkedHashMap<>();
    if (file != null) {
      files.put("", file);
    }
    choices.forEach(choice -> files.put(choice.name(), choice.file()));
    return files;
  }

  private int remotely(List<ObjectiveOptions.Choice> choices)
      throws IOException, InterruptedException {
    if (options.threads() != null || data.given().isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--threads, --data: not with --remote, where the server's count");
    }
    TrainingPlan.Builder plan =
        TrainingPlan.newBuilder()
            .setName(options.name())
            .setTrunk(options.trunk())
            .setOptions(options.plan().message())
            .setSkipBadRows(options.skipBad());
    Map<String, Path> files = files(choices);
    if (file != null) {
      plan.setUpload(
          UploadChoice.newBuilder().setFileName(sent(String.valueOf(file.getFileName()))));
    } else if (objectives.isAsked()) {
      for (ObjectiveOptions.Choice choice : choices) {
        plan.getObjectivesBuilder()
            .addObjectivesBuilder()
            .setName(choice.name())
            .setWeight(choice.weight())
            .setFileName(sent(choice.fileName()));
      }
    } else {
      plan.setFeedback(feedback.message());
    }
    files.values().forEach(InputFile::require);
    return new RemoteTraining(printing, target, context)
        .run(target.keyedMetadata(key), plan.build(), files, detach)
        .code();
  }

  /** What the server is told that a file is called. */
  private static String sent(String fileName) {
    return fileName.replaceAll("[^A-Za-z0-9._-]", "_");
  }

  private RewardData judgements(List<ObjectiveOptions.Choice> choices)
      throws IOException, BadRowsException {
    if (objectives.isAsked()) {
      List<RewardData.Objective> read = new ArrayList<>();
      for (ObjectiveOptions.Choice choice : choices) {
        try {
          read.add(
              new RewardData.Objective(
                  choice.name(), choice.weight(), choice.fileName(), read(choice.file())));
        } catch (BadRowsException e) {
          throw LocalTraining.badRows("--objective " + choice.name() + ": ", e);
        }
      }
      return new RewardData.Objectives(read);
    }
    return new RewardData.Whole(file == null ? ofFeedback() : read(file));
  }

  private JudgementData read(Path judged) throws IOException, BadRowsException {
    return new JudgementFile(RowLimits.defaults(), options.skipBad()).read(judged);
  }

  private JudgementData ofFeedback() {
    try (MeshTarget.Connection mesh =
        target.connect(Role.POLICY_SERVER, FeedbackServiceGrpc.SERVICE_NAME)) {
      return new GrpcFeedbackLog(mesh.channel(), FEEDBACK_TIMEOUT)
          .read(
              feedback.query(target.metadata().getTenant()),
              count -> {
                if (count % TOLD_EVERY == 0 && count > 0) {
                  printing.line(String.format(Locale.ROOT, "feedback: %,d events", count));
                }
              });
    } catch (MeshException e) {
      if (e.getCause() instanceof StatusRuntimeException answered) {
        throw answered;
      }
      throw e;
    }
  }

  private String words(RewardData judgements) {
    if (judgements instanceof RewardData.Objectives several) {
      return TrainingCommand.objectives(several);
    }
    if (file != null) {
      return TrainingCommand.file(String.valueOf(file.getFileName()));
    }
    FeedbackSource.Query query = feedback.query("");
    return TrainingCommand.feedback(query.since(), query.rules());
  }

  private String source() {
    if (file != null) {
      return String.valueOf(file.getFileName());
    }
    return objectives.isAsked() ? "the objectives" : "the feedback";
  }
}
