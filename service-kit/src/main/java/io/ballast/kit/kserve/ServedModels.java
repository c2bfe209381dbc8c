package io.ballast.kit.kserve;

import java.util.List;
import java.util.Optional;

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
}
