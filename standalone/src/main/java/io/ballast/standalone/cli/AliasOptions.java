package io.ballast.standalone.cli;

import picocli.CommandLine.Option;

/** Which alias of which model. */
final class AliasOptions {
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

  /** The model; empty: the server's. */
  String model() {
    return model;
  }

  /** The alias. */
  String alias() {
    return alias;
  }
}
