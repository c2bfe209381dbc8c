package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows a certificate and computes it anew. */
@Command(
    name = "certificate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Shows a certificate, and verifies it: its numbers are computed anew.",
    footer = {"", "Exit code 4: it is not valid."})
final class CertificateCommand implements Callable<Integer> {
  @Parameters(paramLabel = "ID", description = "The certificate's id.")
  private String id = "";

  @Option(
      names = "--weights",
      paramLabel = "SHA256",
      defaultValue = "",
      description = "It must name exactly these weights.")
  private String weights = "";

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  CertificateCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    try (MeshTarget.Connection mesh =
        target.connect(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME)) {
      VerifyCertificateResponse answer =
          ModelsCommand.safety(mesh)
              .verifyCertificate(
                  VerifyCertificateRequest.newBuilder()
                      .setMetadata(target.metadata())
                      .setCertificateId(id)
                      .setCandidateWeightsSha256(weights)
                      .build());
      printing.document(answer);
      show(answer);
      return (answer.getValid() ? Exit.OK : Exit.REFUSED).code();
    }
  }

  private void show(VerifyCertificateResponse answer) {
    Certificate c = answer.getCertificate();
    SafetyTestOutcome o = c.getOutcome();
    TextTable table = TextTable.plain();
    table.row("certificate", c.getCertificateId());
    table.row("issued", ModelsCommand.time(c.getIssueTime()));
    table.row("candidate", ModelOptions.text(c.getCandidate()));
    table.row("weights", c.getCandidate().getWeightsSha256());
    table.row("judged by", ModelOptions.text(c.getCostModel()));
    table.row(
        "optimised",
        c.getOptimisedCostModelsList().stream()
            .map(ModelOptions::text)
            .collect(Collectors.joining(", ", "against ", "")));
    table.row(
        "mean cost",
        String.format(
            Locale.ROOT, "%.4f ± %.4f, n = %d", o.getMeanCost(), o.getStdCost(), o.getN()));
    table.row(
        "upper bound",
        String.format(
            Locale.ROOT,
            "%.6f at δ = %s; computed anew: %.6f",
            o.getUpperBound(),
            o.getDelta(),
            answer.getRecomputedUpperBound()));
    table.row("threshold", String.format(Locale.ROOT, "%.4f", o.getThreshold()));
    answer.getFindingsList().forEach(finding -> table.row("", finding));
    table.row("valid", answer.getValid() ? "yes" : "NO");
    printing.table(table);
  }
}
