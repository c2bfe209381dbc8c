package io.ballast.kit.postgres;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Where PostgreSQL is.
 *
 * @param url {@code jdbc:postgresql://host:port/database}; may hold properties of the driver
 * @param password empty: none
 */
public record PostgresAddress(String url, String user, String password) {
  private static final String PREFIX = "jdbc:postgresql:";
  private static final int LONGEST_LOGIN_SECONDS = 20;

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

  /**
   * Opens a connection beside those of the mesh, which is the caller's to close.
   *
   * @throws SQLException if the server cannot be reached within 20 seconds, or refuses
   */
  public Connection connect() throws SQLException {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(url);
    source.setUser(user);
    if (!password.isEmpty()) {
      source.setPassword(password);
    }
    source.setLoginTimeout(LONGEST_LOGIN_SECONDS);
    return source.getConnection();
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
