package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** What a model that is to be published is called: as a person says, or the next number. */
record NextVersion(String model, String version) {
  /**
   * Reads {@code NAME[/VERSION]}.
   *
   * @throws CommandFailure if that version is there already
   * @throws ParameterException if no model may be called so
   */
  static NextVersion of(CommandSpec spec, ModelStore store, String name) {
    int slash = name.indexOf('/');
    String model = slash < 0 ? name : name.substring(0, slash);
    NextVersion wanted =
        new NextVersion(model, slash < 0 ? next(store, model) : name.substring(slash + 1));
    try {
      if (store.find(wanted.model, wanted.version).isPresent()) {
        throw wanted.exists();
      }
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--name: " + e.getMessage(), e);
    }
    return wanted;
  }

  private static String next(ModelStore store, String model) {
    long last =
        store.list().stream()
            .filter(stored -> stored.name().equals(model))
            .map(StoredModel::version)
            .filter(version -> version.matches("[0-9]{1,9}"))
            .mapToLong(Long::parseLong)
            .max()
            .orElse(0);
    return Long.toString(last + 1);
  }

  /** The failure that says that it is there. */
  CommandFailure exists() {
    return new CommandFailure(
        Exit.REFUSED,
        "VERSION_EXISTS",
        "%s/%s is there already, and versions do not change; give another"
            .formatted(model, version));
  }
}
