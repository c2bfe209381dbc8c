package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.safety.adapter.CertificateFile;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Verifies a certificate's file, without a mesh. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Verifies a certificate's file without a mesh: signature, evidence, numbers.",
    footer = {
      "",
      "Whether it was revoked, only the mesh knows: ./mesh models certificate ID.",
      "Exit code 4: it is not valid; the last line says why."
    })
final class CertificateVerifyCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE", description = "What ./mesh certificate get wrote.")
  private Path file = Path.of("");

  @Option(
      names = "--keys",
      paramLabel = "FILE",
      required = true,
      description = "The public keys that you trust, as ./mesh certificate keys writes them.")
  private Path keys = Path.of("");

  @Option(
      names = "--weights",
      paramLabel = "SHA256",
      defaultValue = "",
      description = "It must name exactly these weights.")
  private String weights = "";

  @Option(
      names = "--folder",
      paramLabel = "SHA256",
      defaultValue = "",
      description = "It must name exactly this folder, by all its files.")
  private String folder = "";

  @Option(
      names = "--alias",
      paramLabel = "NAME",
      defaultValue = "",
      description = "It must not be for another alias.")
  private String alias = "";

  @Mixin private Printing printing = new Printing();

  @Override
  public Integer call() {
    Instant now = InstantSource.system().instant();
    CertificateFile.Verified verified;
    try {
      verified =
          CertificateFile.verify(read(file), read(keys), new Expected(weights, folder, alias), now);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(Exit.USAGE, "KEYS", "%s: %s".formatted(keys, e.getMessage()));
    }
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("valid", verified.valid()).put("reason", verified.reason());
    ArrayNode findings = document.putArray("findings");
    verified.findings().forEach(findings::add);
    printing.document(document);
    show(verified);
    return (verified.valid() ? Exit.OK : Exit.REFUSED).code();
  }

  private void show(CertificateFile.Verified verified) {
    TextTable table = TextTable.plain();
    verified
        .certificate()
        .ifPresent(
            c -> {
              table.row("certificate", c.id().toString());
              table.row("candidate", c.candidate().toString());
              table.row("judged by", c.costModel().toString());
              table.row(
                  "upper bound",
                  String.format(
                      Locale.ROOT,
                      "%.6f at δ = %s, threshold %.4f, n = %d",
                      c.outcome().numbers().upperBound(),
                      c.outcome().numbers().delta(),
                      c.outcome().numbers().threshold(),
                      c.outcome().numbers().n()));
            });
    verified.findings().forEach(finding -> table.row("", finding));
    table.row("valid", verified.valid() ? "yes" : "NO: " + verified.reason());
    printing.table(table);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new CommandFailure(
          Exit.USAGE, "FILE", "%s cannot be read: %s".formatted(file, e.getMessage()));
    }
  }
}
