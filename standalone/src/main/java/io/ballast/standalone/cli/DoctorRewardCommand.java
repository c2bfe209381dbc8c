package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.reward.v1.RewardServiceGrpc;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Proves on a live server that an ensemble scores as it should, and says what fails. */
@Command(
    name = "reward",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Asks a live reward-server and proves of one ensemble: the scores that it kept when it was"
            + " published come out again; the same item has the same score alone, in any company,"
            + " twice, and in a stream; members are normalised and aggregated as stated; what is"
            + " wrong fails alone, with a reason and without a number.",
    footer = {"", "Exit code 1: something fails; the line says what."})
final class DoctorRewardCommand implements Callable<Integer> {
  @Option(
      names = "--tolerance",
      paramLabel = "T",
      defaultValue = "0.00001",
      description =
          "How far two raw scores of one item may be apart, relative to the larger of 1 and the"
              + " score (default: 0.00001, for 32 bits; a model in 16 bits needs more).")
  private double tolerance = RewardExamination.TOLERANCE;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Draws the company that items are scored in (default: 1).")
  private long seed = 1;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;
  @Spec private CommandSpec spec = CommandSpec.create();

  DoctorRewardCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    if (!(tolerance >= 0)) {
      throw new ParameterException(
          spec.commandLine(), "--tolerance: " + tolerance + " (expected: at least 0)");
    }
    try (MeshTarget.Connection mesh =
        target.connect(Role.REWARD_SERVER, RewardServiceGrpc.SERVICE_NAME)) {
      RewardProbe probe =
          new RewardProbe(mesh.channel(), target.metadata(), model.selector(), target.timeout());
      Findings findings = new Findings(printing);
      new RewardExamination(probe, tolerance, seed).run(findings::add);
      return findings
          .end("To mend before its rewards are trusted: %d", "It scores; %d to look at")
          .code();
    }
  }
}
