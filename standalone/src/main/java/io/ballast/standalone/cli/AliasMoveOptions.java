package io.ballast.standalone.cli;

import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which version an alias shall point to, and from where it is moved. */
final class AliasMoveOptions {
  @Parameters(paramLabel = "VERSION", description = "The version that shall serve.")
  private String version = "";

  @Option(
      names = "--expected",
      paramLabel = "VERSION",
      description = "Only if the alias points here now (default: where it points).")
  private @Nullable String expected;

  @Mixin private AliasOptions which = new AliasOptions();

  /** The version that shall serve. */
  String version() {
    return version;
  }

  /** The model; empty: the server's. */
  String model() {
    return which.model();
  }

  /** The alias. */
  String alias() {
    return which.alias();
  }

  /** Where the alias must point; where it points now if the command line does not say. */
  String expected(VersionServiceBlockingStub versions, MeshTarget target) {
    return expected == null ? ModelsCommand.current(versions, target, model(), alias()) : expected;
  }
}
