package io.ballast.standalone.cli;

import io.ballast.kit.call.Texts;
import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.DeleteUserDataResponse;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What is kept of people. */
@Command(
    name = "data",
    mixinStandardHelpOptions = true,
    description = "What is kept of people; ballast.policy.retention says how long.")
final class DataCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new DataCommand()).addSubcommand(new Delete(context));
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return Exit.USAGE.code();
  }

  /** Deletes a user's data. */
  @Command(
      name = "delete",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Deletes a user's suggestions, or certain ones, with the feedback on them. The answer is"
            + " the proof: an entry of the audit trail with how many, and a digest of their ids."
      },
      footer = {"", "docs/operations/privacy.md says what is not reached by it."})
  static final class Delete implements Callable<Integer> {
    @Option(
        names = "--user",
        paramLabel = "NAME",
        defaultValue = "",
        description = "Whose, as the application names them.")
    private String user = "";

    @Option(
        names = "--suggestion",
        paramLabel = "ID",
        description = "One suggestion; may be given up to 1,000 times.")
    private List<String> suggestions = new ArrayList<>();

    @Option(
        names = "--actor",
        paramLabel = "NAME",
        required = true,
        description = "The person who answers for it.")
    private String actor = "";

    @Option(
        names = "--reason",
        paramLabel = "TEXT",
        required = true,
        description = "Why, 10 to 1,000 characters; it stays on record.")
    private String reason = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Delete(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh =
          target.connect(Role.POLICY_SERVER, FeedbackServiceGrpc.SERVICE_NAME)) {
        DeleteUserDataResponse deleted =
            FeedbackServiceGrpc.newBlockingStub(mesh.channel())
                .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
                .deleteUserData(
                    DeleteUserDataRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setUser(user)
                        .addAllSuggestionIds(suggestions)
                        .setActor(actor)
                        .setReason(reason)
                        .build());
        printing.document(deleted);
        printing.line(
            "deleted %s and %s of feedback"
                .formatted(
                    Texts.counted(deleted.getSuggestionsCount(), "suggestion"),
                    Texts.counted(deleted.getEventsCount(), "event")));
        printing.line(
            "proof: entry %,d of the trail policy, %s; ids %s"
                .formatted(
                    deleted.getAuditSequence(), deleted.getAuditSha256(), deleted.getIdsSha256()));
        return Exit.OK.code();
      }
    }
  }
}
