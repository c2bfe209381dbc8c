package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A model version as a person names it, such as with {@code up --policy}. */
record ModelChoice(String model, String version) {
  /**
   * Finds the decoder that {@code --policy} means.
   *
   * @throws CommandFailure as {@link #of}, and if it is no decoder
   */
  static ModelChoice policy(String named, List<Path> roots) {
    ModelChoice choice = of("--policy: ", named, roots);
    ModelKind kind =
        roots.stream()
            .map(root -> root.resolve(choice.model).resolve(choice.version))
            .filter(Files::isDirectory)
            .findFirst()
            .map(ModelKind::of)
            .orElse(ModelKind.UNKNOWN);
    if (kind != ModelKind.DECODER) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_POLICY",
          "--policy: %s/%s: %s, not a decoder"
              .formatted(choice.model, choice.version, kind.words()));
    }
    return choice;
  }

  /**
   * Finds what {@code named}, {@code NAME} or {@code NAME/VERSION}, means.
   *
   * @param where begins what is said of a wrong one
   * @param roots folders of models
   * @throws CommandFailure if there is none, or several versions to choose from
   */
  static ModelChoice of(String where, String named, List<Path> roots) {
    int slash = named.indexOf('/');
    String model = slash < 0 ? named : named.substring(0, slash);
    List<StoredModel> all =
        roots.stream().flatMap(root -> new ModelStore(root).list().stream()).toList();
    List<String> versions =
        all.stream()
            .filter(stored -> stored.name().equals(model))
            .map(StoredModel::version)
            .distinct()
            .toList();
    if (versions.isEmpty()) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_SUCH_MODEL",
          where
              + "there is no model "
              + model
              + "; there are: "
              + String.join(", ", all.stream().map(StoredModel::name).distinct().toList())
              + "; ./mesh pull brings others");
    }
    String version = slash < 0 ? "" : named.substring(slash + 1);
    if (slash < 0 && versions.size() == 1) {
      version = versions.getFirst();
    }
    if (!versions.contains(version)) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_SUCH_VERSION",
          where
              + named
              + ": say which version: "
              + String.join(", ", versions.stream().map(v -> model + "/" + v).toList()));
    }
    return new ModelChoice(model, version);
  }

  /** Its folder, in the first of the folders of models that has it. */
  StoredModel folder(List<Path> roots) {
    return ModelStore.find(roots, model, version).orElseThrow();
  }
}
