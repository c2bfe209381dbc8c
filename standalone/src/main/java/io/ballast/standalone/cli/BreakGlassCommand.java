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
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
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

  @Parameters(paramLabel = "VERSION", description = "The version that shall serve.")
  private String version = "";

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

  @Option(
      names = "--expected",
      paramLabel = "VERSION",
      description = "Only if the alias points here now (default: where it points).")
  private @Nullable String expected;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      defaultValue = "",
      description = "The model (default: the server's).")
  private String model = "";

  @Option(
      names = "--alias",
      paramLabel = "ALIAS",
      defaultValue = "serving",
      description = "The alias (default: ${DEFAULT-VALUE}).")
  private String alias = "serving";

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
      VersionServiceBlockingStub versions =
          ModelsCommand.versions(mesh)
              .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
      PolicyAlias moved =
          versions
              .breakGlassAlias(
                  BreakGlassAliasRequest.newBuilder()
                      .setMetadata(target.keyedMetadata(null))
                      .setModel(model)
                      .setAlias(alias)
                      .setExpectedVersion(
                          expected == null
                              ? ModelsCommand.current(versions, target, model, alias)
                              : expected)
                      .setNewVersion(version)
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
      return BearerToken.read("--secret: ", Optional.of(secret), Optional.empty(), name -> null)
          .orElseThrow();
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
