package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.kit.runtime.Role;
import io.ballast.safety.adapter.CertificateFile;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetEvidenceRequest;
import io.ballast.safety.v1.GetVerificationKeysRequest;
import io.ballast.safety.v1.GetVerificationKeysResponse;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Signed certificates: files of them, and what makes one void. */
@Command(
    name = "certificate",
    mixinStandardHelpOptions = true,
    description =
        "Signed certificates: as files that anyone can verify, listed, revoked."
            + " ./mesh models certificate asks the mesh itself.")
final class CertificatesCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new CertificatesCommand())
        .addSubcommand(new Get(context))
        .addSubcommand(new CertificateVerifyCommand())
        .addSubcommand(new CertificateReplayCommand(context))
        .addSubcommand(new ListThem(context))
        .addSubcommand(new Revoke(context))
        .addSubcommand(new Keys(context));
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return Exit.USAGE.code();
  }

  private static MeshTarget.Connection connect(MeshTarget target) {
    return target.connect(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME);
  }

  private static Certificate certificate(
      SafetyServiceBlockingStub safety, MeshTarget target, String id) {
    return safety
        .getCertificate(
            GetCertificateRequest.newBuilder()
                .setMetadata(target.metadata())
                .setCertificateId(id)
                .build())
        .getCertificate();
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new CommandFailure(
          Exit.FAILED, "FILE", "%s cannot be written: %s".formatted(file, e.getMessage()));
    }
  }

  /** Writes a certificate with its evidence to a file. */
  @Command(
      name = "get",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Writes a certificate with its evidence to a file, for verify.")
  static final class Get implements Callable<Integer> {
    @Parameters(paramLabel = "ID", description = "The certificate's id.")
    private String id = "";

    @Option(
        names = "--out",
        paramLabel = "FILE",
        description = "Where to (default: certificate-ID.json in this folder).")
    private @Nullable Path out;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Get(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        SafetyServiceBlockingStub safety = ModelsCommand.safety(mesh);
        Certificate certificate = certificate(safety, target, id);
        if (certificate.getJws().isEmpty()) {
          throw new CommandFailure(
              Exit.REFUSED,
              "UNSIGNED",
              "certificate %s is of format 1, which nobody signed; ./mesh models certificate shows it"
                  .formatted(id));
        }
        List<SampledCost> samples = new ArrayList<>();
        safety
            .getEvidence(
                GetEvidenceRequest.newBuilder()
                    .setMetadata(target.metadata())
                    .setCertificateId(id)
                    .build())
            .forEachRemaining(
                part ->
                    part.getSamplesList()
                        .forEach(
                            sample ->
                                samples.add(
                                    new SampledCost(
                                        sample.getPromptSha256(),
                                        sample.getCompletionSha256(),
                                        sample.getCost(),
                                        sample.getMissing(),
                                        sample.getGroup()))));
        Path file = out == null ? Path.of("certificate-" + id + ".json") : out;
        write(file, CertificateFile.write(certificate.getJws(), samples));
        printing.document(certificate);
        printing.line(
            "%s: certificate %s with the evidence of %,d completions"
                .formatted(file, id, samples.size()));
        return Exit.OK.code();
      }
    }
  }

  /** Lists certificates, newest first. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Lists certificates, newest first.")
  static final class ListThem implements Callable<Integer> {
    @Option(
        names = "--run",
        paramLabel = "ID",
        defaultValue = "",
        description = "Only those of this run's candidates.")
    private String run = "";

    @Option(
        names = "--limit",
        paramLabel = "N",
        defaultValue = "100",
        description = "How many tests are looked through, 1 to 1,000 (default: 100).")
    private int limit = 100;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    ListThem(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      Instant now = InstantSource.system().instant();
      try (MeshTarget.Connection mesh = connect(target)) {
        SafetyServiceBlockingStub safety = ModelsCommand.safety(mesh);
        List<SafetyTest> tests =
            safety
                .listSafetyTests(
                    ListSafetyTestsRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setRunId(run)
                        .setPageSize(limit)
                        .build())
                .getTestsList();
        ObjectNode document = JsonNodeFactory.instance.objectNode();
        ArrayNode all = document.putArray("certificates");
        TextTable table = TextTable.headed("certificate", "candidate", "alias", "issued", "state");
        for (SafetyTest test : tests) {
          if (!test.getCertificateId().isEmpty()) {
            Certificate certificate = certificate(safety, target, test.getCertificateId());
            all.add(Printing.tree(certificate));
            table.row(
                certificate.getCertificateId(),
                ModelOptions.text(certificate.getCandidate()),
                certificate.getAlias().isEmpty() ? "any" : certificate.getAlias(),
                ModelsCommand.time(certificate.getIssueTime()),
                state(certificate, now));
          }
        }
        printing.document(document);
        printing.table(table);
        return Exit.OK.code();
      }
    }

    private static String state(Certificate certificate, Instant now) {
      if (certificate.getJws().isEmpty()) {
        return "unsigned";
      }
      if (certificate.hasRevocation()) {
        return "revoked: " + certificate.getRevocation().getReason();
      }
      boolean expired = !now.isBefore(Timestamps.instant(certificate.getExpireTime()));
      return (expired ? "expired " : "until ") + ModelsCommand.time(certificate.getExpireTime());
    }
  }

  /** Makes a certificate void. */
  @Command(
      name = "revoke",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Makes a certificate void, for good. What it promoted stays where it is.")
  static final class Revoke implements Callable<Integer> {
    @Parameters(paramLabel = "ID", description = "The certificate's id.")
    private String id = "";

    @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why.")
    private String reason = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Revoke(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        Certificate certificate =
            ModelsCommand.safety(mesh)
                .revokeCertificate(
                    RevokeCertificateRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setCertificateId(id)
                        .setReason(reason)
                        .build())
                .getCertificate();
        printing.document(certificate);
        printing.line(
            "%s: revoked %s: %s"
                .formatted(
                    id,
                    ModelsCommand.time(certificate.getRevocation().getRevokeTime()),
                    certificate.getRevocation().getReason()));
        return Exit.OK.code();
      }
    }
  }

  /** Writes the public keys. */
  @Command(
      name = "keys",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "The public keys that certificates are verified with, as a JSON Web Key Set.")
  static final class Keys implements Callable<Integer> {
    @Option(names = "--out", paramLabel = "FILE", description = "Write them to a file.")
    private @Nullable Path out;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Keys(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        GetVerificationKeysResponse keys =
            ModelsCommand.safety(mesh)
                .getVerificationKeys(
                    GetVerificationKeysRequest.newBuilder().setMetadata(target.metadata()).build());
        if (out != null) {
          write(out, keys.getJwks() + "\n");
        }
        printing.document(keys);
        printing.line(out == null ? keys.getJwks() : out + ": the public keys");
        return Exit.OK.code();
      }
    }
  }
}
