package io.ballast.standalone.supply;

import java.util.List;

/**
 * A library that comes along.
 *
 * @param name {@code group:artifact}
 * @param licences its own choice of them, by SPDX's names where those are known; none: it names
 *     none
 */
public record Library(String name, String version, List<String> licences) {
  /** Copies the licences. */
  public Library {
    licences = List.copyOf(licences);
  }
}
