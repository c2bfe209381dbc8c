package io.ballast.standalone.cli;

import io.ballast.kit.call.BearerToken;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Points an alias to a version that has no certificate. */
@Command(
    name = "break-glass",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Points an alias to a version without a certificate, in an emergency. Who and why stay on"
            + " record.",
    footer = {
      "",
      "The server needs ballast.policy.break-glass-token-file. Exit code 4: not allowed, or the"
          + " alias moved on."
    })
final class BreakGlassCommand implements Callable<Integer> {
  private static final Metadata.Key<String> HEADER =
      Metadata.Key.of("x-ballast-break-glass", Metadata.ASCII_STRING_MARSHALLER);

  @Mixin private AliasMoveOptions move = new AliasMoveOptions();

  @Option(
      names = "--secret",
      paramLabel = "FILE",
      required = true,
      description = "The file with the server's break-glass secret.")
  private Path secret = Path.of("");

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
      description = "Why, 10 to 1,000 characters.")
  private String reason = "";

  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  BreakGlassCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    Metadata headers = new Metadata();
    headers.put(HEADER, readSecret());
    try (MeshTarget.Connection mesh = ModelsCommand.connect(target)) {
      VersionServiceBlockingStub versions = ModelsCommand.versions(mesh);
      String expected = move.expected(versions, target);
      PolicyAlias moved =
          versions
              .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
              .breakGlassAlias(
                  BreakGlassAliasRequest.newBuilder()
                      .setMetadata(target.keyedMetadata(null))
                      .setModel(move.model())
                      .setAlias(move.alias())
                      .setExpectedVersion(expected)
                      .setNewVersion(move.version())
                      .setActor(actor)
                      .setReason(reason)
                      .build())
              .getAlias();
      printing.document(moved);
      printing.line(
          ModelsCommand.aliasLine(moved) + ", without a certificate; undo: ./mesh models rollback");
      return Exit.OK.code();
    }
  }

  private String readSecret() {
    try {
      return BearerToken.read("", Optional.of(secret), Optional.empty(), name -> null)
          .orElseThrow();
    } catch (IllegalArgumentException e) { // what it says begins with a server's property
      String flaw = String.valueOf(e.getMessage()).replaceFirst("^token-file", "");
      throw new CommandLine.ParameterException(spec.commandLine(), "--secret: " + secret + flaw, e);
    }
  }
}
