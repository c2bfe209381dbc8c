package io.ballast.standalone.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The folder that this machine's mesh writes, and with it where models lie. */
final class DataFolder {
  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description = "The data folder (default: $$BALLAST_DATA, or .ballast in the checkout).")
  private @Nullable Path data;

  /** What the command line says. */
  Optional<Path> given() {
    return Optional.ofNullable(data);
  }

  /** The folder, absolute. */
  Path path(CommandContext context) {
    return data == null ? context.defaultDataFolder() : data.toAbsolutePath().normalize();
  }

  /** The folders that hold models: this one's first. */
  List<Path> models(CommandContext context) {
    return List.of(path(context).resolve("models"), context.home().resolve("models"));
  }
}
