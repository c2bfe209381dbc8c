package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore;
import io.ballast.training.reward.VersionName;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** What the version that a command publishes is called: as a person says, or the next number. */
final class NewVersion {
  private NewVersion() {}

  /**
   * Reads {@code --name NAME[/VERSION]}.
   *
   * @param roots folders of {@code <name>/<version>/}, in none of which it may be
   * @throws CommandFailure if that version is there already
   * @throws ParameterException if no model may be called so
   */
  static VersionName of(CommandSpec spec, List<Path> roots, String name) {
    List<ModelStore> stores = roots.stream().map(ModelStore::new).toList();
    try {
      VersionName wanted = VersionName.of(name, stores);
      if (wanted.isTaken(stores)) {
        throw exists(wanted);
      }
      return wanted;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--name: " + e.getMessage(), e);
    }
  }

  /** The failure that says that it is there. */
  static CommandFailure exists(VersionName version) {
    return new CommandFailure(
        Exit.REFUSED,
        "VERSION_EXISTS",
        version + " is there already, and versions do not change; give another");
  }
}
