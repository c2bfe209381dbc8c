package io.ballast.rl.algorithm;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * Numbers by name, each within its range.
 *
 * @param values those that are given
 */
public record Knobs(Map<Knob, Double> values) {
  /** Copies the map; refuses a value out of its range by the knob's key. */
  public Knobs {
    EnumMap<Knob, Double> copy = new EnumMap<>(Knob.class);
    values.forEach(
        (knob, value) -> {
          if (!knob.allows(value)) {
            throw new IllegalArgumentException(
                "%s: %s (expected: %s)".formatted(knob.key(), value, knob.expected()));
          }
          copy.put(knob, value);
        });
    values = Collections.unmodifiableMap(copy);
  }

  /** None. */
  public static Knobs none() {
    return new Knobs(Map.of());
  }

  /** The number of {@code knob}, which a part reads and therefore has. */
  public double get(Knob knob) {
    Double value = values.get(knob);
    if (value == null) {
      throw new IllegalArgumentException(
          knob.key() + ": absent (present: " + values.keySet() + ")");
    }
    return value;
  }

  /** Returns these with {@code value} for {@code knob}. */
  public Knobs with(Knob knob, double value) {
    EnumMap<Knob, Double> next = new EnumMap<>(Knob.class);
    next.putAll(values);
    next.put(knob, value);
    return new Knobs(next);
  }

  /** Returns these where they say something, and {@code others} where they do not. */
  public Knobs over(Knobs others) {
    EnumMap<Knob, Double> next = new EnumMap<>(Knob.class);
    next.putAll(others.values);
    next.putAll(values);
    return new Knobs(next);
  }

  /** Returns those of these that are among {@code knobs}. */
  public Knobs only(Set<Knob> knobs) {
    EnumMap<Knob, Double> next = new EnumMap<>(Knob.class);
    next.putAll(values);
    next.keySet().retainAll(knobs);
    return new Knobs(next);
  }
}
