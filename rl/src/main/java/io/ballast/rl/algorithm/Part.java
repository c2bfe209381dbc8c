package io.ballast.rl.algorithm;

import java.util.Map;
import java.util.Set;

/**
 * One choice of which an algorithm is made. Everything that a reader of specs, a table or a list
 * wants to know of it stands here, so that none of them knows parts by name.
 */
public interface Part {
  /** The stages of an algorithm, in the order in which a batch passes them. */
  enum Stage {
    /** Who writes the completions. */
    SOURCE,
    /** What becomes of rewards before anything is made of them. */
    SHAPING,
    /** Which completions are learned from, and in which role. */
    SELECTOR,
    /** How much better than expected a completion was. */
    ADVANTAGE,
    /** The loss. */
    OBJECTIVE
  }

  /**
   * What is to be known of a part.
   *
   * @param formula in a line
   * @param source paper and equation
   * @param knobs what it reads, with its defaults
   * @param needs what must have been given before it
   * @param gives what it gives to those after it
   */
  record Facts(String formula, String source, Knobs knobs, Set<Need> needs, Set<Need> gives) {
    /** Copies the sets. */
    public Facts {
      needs = Set.copyOf(needs);
      gives = Set.copyOf(gives);
    }

    /** Facts without knobs. */
    static Facts of(String formula, String source, Set<Need> needs, Set<Need> gives) {
      return new Facts(formula, source, Knobs.none(), needs, gives);
    }

    /** Returns these with knobs. */
    Facts knobs(Map<Knob, Double> defaults) {
      return new Facts(formula, source, new Knobs(defaults), needs, gives);
    }
  }

  /** Its name, as a spec writes it. */
  String name();

  /** Where it stands. */
  Stage stage();

  /** What is to be known of it. */
  Facts facts();
}
