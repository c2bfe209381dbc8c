package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.safety.v1.ReplayCertificateRequest;
import io.ballast.safety.v1.ReplayCertificateResponse;
import io.ballast.safety.v1.ReplayDifference;
import io.ballast.safety.v1.ReplayResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Has the completions of a certificate drawn and judged again. */
@Command(
    name = "replay",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Has a certificate's completions drawn and judged again, from the recorded versions and seeds,",
      "and says how many are as the evidence has them. Spends no look and issues nothing."
    },
    footer = {"", "Exit code 4: it was not reproduced; the last line says why."})
final class CertificateReplayCommand implements Callable<Integer> {
  @Parameters(paramLabel = "ID", description = "The certificate's id.")
  private String id = "";

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  CertificateReplayCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    try (MeshTarget.Connection mesh =
        target.connect(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME)) {
      Iterator<ReplayCertificateResponse> answers =
          ModelsCommand.safety(mesh)
              .replayCertificate(
                  ReplayCertificateRequest.newBuilder()
                      .setMetadata(target.metadata())
                      .setCertificateId(id)
                      .build());
      ReplayCertificateResponse last = ReplayCertificateResponse.getDefaultInstance();
      while (answers.hasNext()) {
        last = answers.next();
        if (!last.hasResult()) {
          printing.line(
              "%,d of %,d samples replayed, %,d agree"
                  .formatted(
                      last.getReplayedCount(), last.getTotalCount(), last.getAgreeingCount()));
        }
      }
      printing.document(last);
      show(last);
      return (last.getResult().getReproduced() ? Exit.OK : Exit.REFUSED).code();
    }
  }

  private void show(ReplayCertificateResponse last) {
    ReplayResult result = last.getResult();
    TextTable table = TextTable.plain();
    table.row(
        "samples that agree",
        "%,d of %,d".formatted(last.getAgreeingCount(), last.getTotalCount()));
    if (last.hasFirstDifference()) {
      ReplayDifference first = last.getFirstDifference();
      table.row(
          "first that differs",
          "prompt %d, %s: it says %s, found %s"
              .formatted(first.getPosition(), first.getField(), first.getSaid(), first.getFound()));
    }
    if (result.hasOutcome()) {
      table.row(
          "upper bound now",
          String.format(
              Locale.ROOT,
              "%.6f at δ = %s, threshold %.4f",
              result.getOutcome().getUpperBound(),
              result.getOutcome().getDelta(),
              result.getOutcome().getThreshold()));
    }
    table.row("same decision", result.getSameDecision() ? "yes" : "NO");
    table.row("reproduced", result.getReproduced() ? "yes" : "NO: " + result.getExplanation());
    printing.table(table);
  }
}
