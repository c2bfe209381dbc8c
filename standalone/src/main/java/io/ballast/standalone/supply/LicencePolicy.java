package io.ballast.standalone.supply;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which licences may come along. A library that leaves the choice is taken by any of them that may;
 * one that names none, or only others, needs an exception of its own.
 */
public final class LicencePolicy {
  private static final String EXCEPTION = " = ";

  private final Set<String> allowed = new TreeSet<>();
  private final Map<String, String> exceptions = new TreeMap<>();

  private LicencePolicy() {}

  /**
   * Reads a file of lines: a licence that may come along; {@code group:artifact = licence: why} for
   * an exception; or a comment behind {@code #}.
   */
  public static LicencePolicy read(Path file) throws IOException {
    LicencePolicy policy = new LicencePolicy();
    for (String line : Files.readAllLines(file)) {
      String said = line.strip();
      int at = said.indexOf(EXCEPTION);
      if (said.isEmpty() || said.startsWith("#")) {
        continue;
      }
      if (at < 0) {
        policy.allowed.add(said);
      } else {
        policy.exceptions.put(said.substring(0, at), said.substring(at + EXCEPTION.length()));
      }
    }
    return policy;
  }

  /** By which licence a library may come along; empty: it may not. */
  public Optional<String> accepted(Library library) {
    return Optional.ofNullable(exceptions.get(library.name()))
        .or(() -> library.licences().stream().filter(allowed::contains).findFirst());
  }
}
