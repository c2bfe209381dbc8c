package io.ballast.reward.component;

import java.util.List;

/** Where composites come from. Thread-safe. */
@FunctionalInterface
public interface CompositeSource {
  /** Looks for all that can be used. */
  List<Composite> look();
}
