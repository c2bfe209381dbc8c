package io.ballast.training.reward;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import java.util.List;

/**
 * What a trained version is to be called.
 *
 * @param model its name
 * @param version within the model
 */
public record VersionName(String model, String version) {
  /**
   * Returns what {@code named}, NAME or NAME/VERSION, means; without a version the number after the
   * highest that the model has in any of the stores.
   *
   * @throws IllegalArgumentException if it could not be the name of a folder
   */
  public static VersionName of(String named, List<ModelStore> stores) {
    int slash = named.indexOf('/');
    String model = slash < 0 ? named : named.substring(0, slash);
    VersionName name =
        new VersionName(model, slash < 0 ? next(model, stores) : named.substring(slash + 1));
    var unused = name.isTaken(stores); // which checks both parts
    return name;
  }

  private static String next(String model, List<ModelStore> stores) {
    long last =
        stores.stream()
            .flatMap(store -> store.list().stream())
            .filter(stored -> stored.name().equals(model))
            .map(StoredModel::version)
            .filter(version -> version.matches("[0-9]{1,9}"))
            .mapToLong(Long::parseLong)
            .max()
            .orElse(0);
    return Long.toString(last + 1);
  }

  /**
   * Whether one of the stores has it: versions do not change, and one that lies in another folder
   * under the same name would hide it.
   */
  public boolean isTaken(List<ModelStore> stores) {
    return stores.stream().anyMatch(store -> store.find(model, version).isPresent());
  }

  @Override
  public String toString() {
    return model + "/" + version;
  }
}
