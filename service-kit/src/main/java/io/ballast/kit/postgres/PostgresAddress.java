package io.ballast.kit.postgres;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;

/**
 * Where PostgreSQL is.
 *
 * @param url {@code jdbc:postgresql://host:port/database}; may hold properties of the driver
 * @param password empty: none
 */
public record PostgresAddress(String url, String user, String password) {
  private static final String PREFIX = "jdbc:postgresql:";

  /** Checks that the URL is one of PostgreSQL. */
  public PostgresAddress {
    if (!url.startsWith(PREFIX)) {
      throw new MeshException(
          Fault.MALFORMED_REQUEST,
          "ballast.database.url: %s (expected: jdbc:postgresql://host:port/database)"
              .formatted(withoutSecrets(url)),
          Map.of("field", "ballast.database.url", "value", withoutSecrets(url)));
    }
  }

  /** The URL without its properties, for messages: they may hold a password. */
  String shown() {
    return withoutSecrets(url);
  }

  private static String withoutSecrets(String url) {
    int properties = url.indexOf('?');
    String bare = properties < 0 ? url : url.substring(0, properties);
    return bare.replaceAll("//[^/@]*@", "//");
  }

  /** Says where, without the password. */
  @Override
  public String toString() {
    return user + " at " + shown();
  }
}
