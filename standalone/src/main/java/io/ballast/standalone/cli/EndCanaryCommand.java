package io.ballast.standalone.cli;

import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.PolicyAlias;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Ends the canary of an alias. */
@Command(
    name = "end-canary",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Ends the canary of an alias: everybody is served by it, or nobody.",
    footer = {"", "Exit code 4: another canary is under way, or none, or its certificate is void."})
final class EndCanaryCommand implements Callable<Integer> {
  @Parameters(paramLabel = "VERSION", description = "The canary's version.")
  private String version = "";

  @ArgGroup(multiplicity = "1")
  private Outcome outcome = new Outcome();

  /** One of the two. */
  private static final class Outcome {
    @Option(names = "--complete", required = true, description = "The alias moves to it.")
    private boolean complete;

    @Option(names = "--roll-back", required = true, description = "The alias stays where it is.")
    private boolean rollBack;
  }

  @Option(
      names = "--reason",
      paramLabel = "TEXT",
      required = true,
      description = "Why, 10 to 1,000 characters.")
  private String reason = "";

  @Mixin private AliasOptions which = new AliasOptions();

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  EndCanaryCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    try (MeshTarget.Connection mesh = ModelsCommand.connect(target)) {
      PolicyAlias ended =
          ModelsCommand.versions(mesh)
              .endCanary(
                  EndCanaryRequest.newBuilder()
                      .setMetadata(target.keyedMetadata(null))
                      .setModel(which.model())
                      .setAlias(which.alias())
                      .setCanaryVersion(version)
                      .setOutcome(
                          outcome.complete
                              ? CanaryOutcome.CANARY_OUTCOME_COMPLETE
                              : CanaryOutcome.CANARY_OUTCOME_ROLL_BACK)
                      .setReason(reason)
                      .build())
              .getAlias();
      printing.document(ended);
      printing.line(ModelsCommand.aliasLine(ended));
      return Exit.OK.code();
    }
  }
}
