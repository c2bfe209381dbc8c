package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.ReplayDecisionRequest;
import io.ballast.policy.v1.ReplayDecisionResponse;
import io.ballast.policy.v1.ReplayedField;
import io.ballast.policy.v1.ReplayedStage;
import io.ballast.safety.core.gatefit.GateFigures;
import io.ballast.safety.v1.Contribution;
import io.ballast.safety.v1.GateFlag;
import io.ballast.safety.v1.GateGuarantee;
import io.ballast.safety.v1.GateStageAnswer;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Explains a decision of the gate, and takes it again. */
@Command(
    name = "replay",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Says why the gate decided as it did about a suggestion, and takes the decision again: the"
            + " same versions are asked the same, and every field is compared bit by bit.",
    footer = {
      "",
      "Contributions are what each feature added to the log-odds of acceptance, before calibration.",
      "Exit code 4: the replay differs, or a version is no longer there as it was."
    })
final class GateReplayCommand implements Callable<Integer> {
  @Parameters(paramLabel = "SUGGESTION", description = "The suggestion's id.")
  private String suggestion = "";

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  GateReplayCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    try (MeshTarget.Connection mesh =
        target.connect(Role.POLICY_SERVER, FeedbackServiceGrpc.SERVICE_NAME)) {
      ReplayDecisionResponse replay =
          FeedbackServiceGrpc.newBlockingStub(mesh.channel())
              .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .replayDecision(
                  ReplayDecisionRequest.newBuilder()
                      .setMetadata(target.metadata())
                      .setSuggestionId(suggestion)
                      .build());
      printing.document(replay);
      replay.getStagesList().forEach(this::show);
      printing.line(
          replay.getIdentical()
              ? "replayed: the same, bit by bit"
              : "replayed: NOT the same; what differs is listed above");
      return (replay.getIdentical() ? Exit.OK : Exit.REFUSED).code();
    }
  }

  private void show(ReplayedStage stage) {
    GateStageAnswer answer = stage.getRecorded();
    printing.line(
        String.format(
            Locale.ROOT,
            "stage %d: %s, P(accept) %.4f against %.4f, by %s %s",
            stage.getStage(),
            answer.getOutcome().name().substring("GATE_OUTCOME_".length()),
            answer.getAcceptProbability(),
            answer.getThreshold(),
            answer.getModelVersion().getModel(),
            answer.getModelVersion().getVersion()));
    if (answer.getFlagsCount() > 0) {
      printing.line(
          "  flags: "
              + answer.getFlagsList().stream()
                  .map(GateReplayCommand::flag)
                  .collect(Collectors.joining(", ")));
    }
    if (answer.hasGuarantee()) {
      printing.line("  bound: " + bound(answer.getGuarantee()));
    }
    explain(stage.getReplayed());
    for (ReplayedField field : stage.getFieldsList()) {
      if (!field.getIdentical()) {
        printing.line(
            "  DIFFERS %s: was %s, is %s"
                .formatted(field.getName(), field.getRecorded(), field.getReplayed()));
      }
    }
  }

  private static String bound(GateGuarantee proven) {
    String what =
        switch (proven.getUnit()) {
          case GUARANTEE_UNIT_GROUP -> "of what is hidden from a user, on average over users,";
          case GUARANTEE_UNIT_DECISION, GUARANTEE_UNIT_UNSPECIFIED, UNRECOGNIZED ->
              "of what is hidden, if decisions are independent,";
        };
    return "%s at least %s would be rejected, with confidence %s"
        .formatted(
            what,
            GateFigures.percent(proven.getTargetAccuracy()),
            GateFigures.confidence(proven.getAlpha()));
  }

  /** A replay always says what moved it, also where the server did not say so then. */
  private void explain(GateStageAnswer answer) {
    if (!answer.hasBaseLogOdds()) {
      return;
    }
    TextTable table = TextTable.plain();
    table.row("  on average", "", signed(answer.getBaseLogOdds()));
    for (Contribution moved : answer.getContributionsList()) {
      table.row(
          "  " + moved.getFeature(),
          moved.hasValue() ? number(moved.getValue()) : "missing",
          signed(moved.getLogOdds()));
    }
    table.row("  all others", "", signed(answer.getOtherLogOdds()));
    table.row("  log-odds", "", signed(answer.getLogOdds()));
    printing.table(table);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value == Math.rint(value) ? "%.0f" : "%.4g", value);
  }

  private static String signed(double logOdds) {
    return String.format(Locale.ROOT, "%+.3f", logOdds);
  }

  private static String flag(GateFlag flag) {
    return flag.name().substring("GATE_FLAG_".length());
  }
}
