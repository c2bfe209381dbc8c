package io.ballast.inference.triton;

/**
 * A model on a server.
 *
 * @param version a number as text; empty: the server chooses, usually the highest
 */
public record ServedModel(String name, String version) {
  public ServedModel {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("model: no name");
    }
  }

  /** Returns the version of {@code name} that the server chooses. */
  public static ServedModel of(String name) {
    return new ServedModel(name, "");
  }

  @Override
  public String toString() {
    return version.isEmpty() ? "'" + name + "'" : "'" + name + "' version " + version;
  }
}
