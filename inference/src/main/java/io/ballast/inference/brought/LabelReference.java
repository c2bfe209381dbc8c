package io.ballast.inference.brought;

import java.util.List;

/** One of a classifier's labels, by its index or its name. */
public sealed interface LabelReference {
  /** By its place among the outputs, 0 ≤ index. */
  record Index(int index) implements LabelReference {
    /** Checks the range. */
    public Index {
      if (index < 0) {
        throw new IllegalArgumentException("label: " + index + " (expected: ≥ 0)");
      }
    }

    @Override
    public String toString() {
      return Integer.toString(index);
    }
  }

  /** By what the model's config.json calls it in {@code id2label}. */
  record Name(String name) implements LabelReference {
    @Override
    public String toString() {
      return "\"" + name + "\"";
    }
  }

  /** Reads what a person wrote: digits are an index, all else a name. */
  static LabelReference of(String written) {
    return written.matches("[0-9]{1,9}") ? new Index(Integer.parseInt(written)) : new Name(written);
  }

  /**
   * Returns the output that is meant.
   *
   * @param names of the labels, in the order of the outputs; empty where the model names none
   * @param count of outputs
   * @throws IllegalArgumentException if there is none
   */
  default int among(List<String> names, int count) {
    int found =
        switch (this) {
          case Index(int index) -> index < count ? index : -1;
          case Name(String name) -> names.indexOf(name);
        };
    if (found < 0 || found >= count) {
      throw new IllegalArgumentException(
          "label: %s (expected: 0 to %d%s)"
              .formatted(this, count - 1, names.isEmpty() ? "" : ", or one of " + names));
    }
    return found;
  }
}
