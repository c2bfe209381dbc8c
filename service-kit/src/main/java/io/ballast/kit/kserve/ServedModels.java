package io.ballast.kit.kserve;

import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The models that one server offers to KServe clients. Thread-safe. */
public interface ServedModels {
  /** Every version of every model as it is now, by name; the serving one first. */
  List<ModelState> states();

  /** Of them, those of one model. */
  default List<ModelState> states(String model) {
    return states().stream().filter(state -> state.model().equals(model)).toList();
  }

  /** Whether {@link #states()} has versions of this model; quick. */
  default boolean lists(String model) {
    return !states(model).isEmpty();
  }

  /**
   * The version that is meant; it need not be loaded.
   *
   * @param version empty: the one that the alias "serving" points to
   * @return empty if this server has no model of this name, or not this version
   */
  Optional<ServedModel> find(String model, String version);

  /**
   * Finds a version in a catalog of those that have aliases.
   *
   * @param version empty: the one that the alias "serving" points to
   * @param resolve the catalog's way, which fails UNKNOWN_MODEL, or MALFORMED_REQUEST where the
   *     words are no name of a version
   */
  static Optional<ServedModel> find(
      String model, String version, Function<VersionSelector, ServedModel> resolve) {
    if (model.isEmpty()) {
      return Optional.empty();
    }
    VersionSelector selector =
        version.isEmpty()
            ? VersionSelector.alias(model, VersionSelector.SERVING)
            : VersionSelector.version(model, version);
    try {
      return Optional.of(resolve.apply(selector));
    } catch (MeshException e) {
      if (e.fault() == Fault.UNKNOWN_MODEL || e.fault() == Fault.MALFORMED_REQUEST) {
        return Optional.empty();
      }
      throw e;
    }
  }
}
