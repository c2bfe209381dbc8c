package io.ballast.standalone.cli;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Which model is asked. */
final class ModelOptions {
  @Option(
      names = "--model",
      paramLabel = "NAME",
      defaultValue = "",
      description = "The model (default: the server's).")
  private String model = "";

  @ArgGroup private @Nullable Selected selected;

  /** A version or an alias. */
  static final class Selected {
    @Option(names = "--version-id", paramLabel = "VERSION", description = "Exactly this version.")
    private @Nullable String version;

    @Option(
        names = "--alias",
        paramLabel = "ALIAS",
        description = "What this alias points to (default: serving).")
    private @Nullable String alias;
  }

  /** What was chosen. */
  ModelSelector selector() {
    ModelSelector.Builder selector = ModelSelector.newBuilder().setModel(model);
    Selected chosen = selected;
    if (chosen != null && chosen.version != null) {
      selector.setVersion(chosen.version);
    } else if (chosen != null && chosen.alias != null) {
      selector.setAlias(chosen.alias);
    }
    return selector.build();
  }

  /** A version for people: java-tiny/1. */
  static String text(ModelVersion version) {
    return version.getModel() + "/" + version.getVersion();
  }
}
