package io.ballast.kit.postgres;

import io.ballast.kit.file.OwnerOnly;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Base64;
import java.util.regex.Pattern;
import org.postgresql.PGConnection;

/**
 * Who may use an embedded server: whoever can read its password, a file beside its own that is its
 * owner's alone. Other users of the machine reach its port, and nothing more.
 *
 * @param folder whose {@code data} has the server's files
 */
record EmbeddedAccess(Path folder, String password) {
  /** How a password is asked for. */
  static final String METHOD = "scram-sha-256";

  private static final String USER = "postgres";
  private static final int PASSWORD_BYTES = 32;

  private static final String RULES =
      """
      # Ballast writes this file anew at a start that finds somebody trusted in it.
      # The password is in the file "password", in the folder above this one.
      local all all scram-sha-256
      host all all 127.0.0.1/32 scram-sha-256
      host all all ::1/128 scram-sha-256
      """;

  /** A rule by which whoever asks is let in. */
  private static final Pattern TRUST =
      Pattern.compile("^\\s*(local|host\\w*)\\s.*\\strust\\b", Pattern.MULTILINE);

  /**
   * That of a server whose password is there, or is made for it now. For whoever may start it.
   *
   * @throws IOException if the server has a password, and the file of it is gone
   */
  static EmbeddedAccess of(Path folder, SecureRandom random) throws IOException {
    Path file = file(folder);
    if (!Files.exists(file)) {
      if (Files.exists(EmbeddedServer.complete(folder)) && !trusts(rules(folder))) {
        throw new IOException(
            ("its password is gone: put %s back, or, to have another made, the line 'host all all"
                    + " 127.0.0.1/32 trust' into %s, as its first line")
                .formatted(file, rules(folder)));
      }
      byte[] password = new byte[PASSWORD_BYTES];
      random.nextBytes(password);
      OwnerOnly.write(file, Base64.getUrlEncoder().withoutPadding().encodeToString(password));
    }
    OwnerOnly.close(file); // one that came back from a backup
    return read(folder);
  }

  /** That of a server which is there. */
  static EmbeddedAccess read(Path folder) throws IOException {
    return new EmbeddedAccess(folder, Files.readString(file(folder)).strip());
  }

  /** Where the password is. */
  Path file() {
    return file(folder);
  }

  /** Where the server is, and who asks. */
  PostgresAddress at(int port) {
    return new PostgresAddress(
        "jdbc:postgresql://127.0.0.1:%d/postgres".formatted(port), USER, password);
  }

  /** Whether whoever asks is let in, as in releases that knew no password. */
  boolean isOpenToAll() throws IOException {
    return trusts(rules(folder));
  }

  /** Gives the server, which runs and lets in whoever asks, its password. */
  void givePassword(int port) throws IOException {
    try (Connection connection = at(port).connect()) {
      connection
          .unwrap(PGConnection.class)
          .alterUserPassword(USER, password.toCharArray(), METHOD); // sends what is derived from it
    } catch (SQLException e) {
      throw new IOException("it cannot be given a password: " + e.getMessage(), e);
    }
  }

  /** Has the server, which is stopped and knows its password, ask for it from its next start on. */
  void askForPassword() throws IOException {
    OwnerOnly.write(rules(folder), RULES);
  }

  private static boolean trusts(Path rules) throws IOException {
    return TRUST.matcher(Files.readString(rules)).find();
  }

  private static Path file(Path folder) {
    return folder.resolve("password");
  }

  private static Path rules(Path folder) {
    return EmbeddedServer.data(folder).resolve("pg_hba.conf");
  }

  /** Says whose, without the password. */
  @Override
  public String toString() {
    return "access to " + folder;
  }
}
