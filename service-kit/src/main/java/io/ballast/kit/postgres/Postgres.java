package io.ballast.kit.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationInfoService;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL server with a schema for each service. When it goes away calls fail within the
 * connect timeout; when it says nothing, within the answer timeout; and when it is back they
 * succeed: nothing has to be restarted. Thread-safe.
 */
public final class Postgres implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Postgres.class);

  /** So many connections that are dead without a word can be found within the connect timeout. */
  private static final int LOOKS = 4;

  private static final Duration SHORTEST_LOOK = Duration.ofMillis(250); // of the pool

  private final PostgresAddress address;
  private final PostgresSettings settings;
  private final MeterRegistry meters;
  private final Optional<EmbeddedServer> embedded;
  private final List<HikariDataSource> pools = new ArrayList<>();
  private volatile Set<CrashSafety> unsafe = Set.of();

  private Postgres(
      PostgresAddress address,
      PostgresSettings settings,
      MeterRegistry meters,
      Optional<EmbeddedServer> embedded) {
    this.address = address;
    this.settings = settings;
    this.meters = meters;
    this.embedded = embedded;
    var unused =
        Gauge.builder("ballast.database.up", this, postgres -> postgres.isReachable() ? 1 : 0)
            .description("1 if PostgreSQL answers a connection of its own now, else 0")
            .register(meters);
    for (CrashSafety setting : CrashSafety.values()) {
      var unusedGauge =
          Gauge.builder(
                  "ballast.database.unsafe",
                  this,
                  postgres -> postgres.unsafe.contains(setting) ? 1 : 0)
              .tag("setting", setting.label())
              .description("1 if the setting is off, so that a crash loses what was committed")
              .register(meters);
    }
  }

  /** Uses a server that someone else runs; it is first asked when a schema is opened. */
  public static Postgres at(
      PostgresAddress address, PostgresSettings settings, MeterRegistry meters) {
    return new Postgres(address, settings, meters, Optional.empty());
  }

  /**
   * Uses the server whose files are in {@code folder}: starts it unless another process of this
   * mesh has, and stops it at the end unless another still uses it. It asks for a password, which
   * is in the folder, in a file of the owner's alone.
   *
   * @param log where the server writes its log
   * @throws MeshException PRECONDITION_FAILED if it cannot be started
   */
  public static Postgres embedded(
      Path folder, Path log, PostgresSettings settings, MeterRegistry meters) {
    EmbeddedServer server = EmbeddedServer.open(folder, log);
    return new Postgres(server.address(), settings, meters, Optional.of(server));
  }

  /**
   * Where the embedded server whose files are in {@code folder} is, and its password, for whoever
   * is no process of its mesh and may read the folder, such as a benchmark; empty if none runs.
   *
   * @throws UncheckedIOException if its files cannot be read
   */
  public static Optional<PostgresAddress> find(Path folder) {
    try {
      return EmbeddedServer.find(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Stops the server whose files are in {@code folder} if it runs although no process uses it: it
   * outlives those that are killed. For a process that uses no embedded server itself.
   *
   * @return its process, stopped; empty if none runs, or one that is in use
   * @throws MeshException PRECONDITION_FAILED if it does not stop
   */
  public static Optional<Long> stopUnused(Path folder) {
    try {
      return EmbeddedServer.stopUnused(folder);
    } catch (IOException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "whether an embedded PostgreSQL runs in %s cannot be seen: %s"
              .formatted(folder, e.getMessage()),
          e);
    }
  }

  /**
   * Has an embedded server that has died started again, at its port, by whichever process sees it
   * first; does nothing for one that someone else runs.
   *
   * @param look how often it is looked for
   */
  public Postgres keepRunning(Duration look) {
    embedded.ifPresent(server -> server.keepRunning(look));
    return this;
  }

  /** Where the server is. */
  public PostgresAddress address() {
    return address;
  }

  /**
   * Opens a service's schema, after bringing it up to date from {@code classpath:db/<schema>} and,
   * for its outbox and its audit trail, {@code classpath:db/outbox} and {@code classpath:db/audit}.
   * Warns of a server that may lose what it says is committed.
   *
   * @throws MeshException DEPENDENCY_DOWN if the server cannot be reached, PRECONDITION_FAILED if
   *     the schema is not one that these migrations made
   */
  public synchronized Database schema(String schema) {
    migrate(schema);
    lookAtCrashSafety(schema);
    HikariConfig config = new HikariConfig();
    config.setPoolName(schema);
    config.setDataSource(source(schema, settings.answerTimeout()));
    config.setMaximumPoolSize(settings.maxConnections());
    config.setMinimumIdle(1);
    config.setConnectionTimeout(settings.connectTimeout().toMillis());
    config.setValidationTimeout(
        Math.max(SHORTEST_LOOK.toMillis(), settings.connectTimeout().toMillis() / LOOKS));
    config.setInitializationFailTimeout(-1);
    config.setConnectionInitSql(forDeadConnections(settings.answerTimeout()));
    config.setMetricRegistry(meters);
    HikariDataSource pool = new HikariDataSource(config);
    pools.add(pool);
    Jdbi jdbi = Jdbi.create(pool);
    // else messages of failed statements had what was bound to them, such as prompts
    jdbi.getConfig(StatementExceptions.class).setMessageRendering(MessageRendering.NONE);
    return () -> jdbi;
  }

  /**
   * Has the server give up a connection that has died without a word, and with it the locks of its
   * transaction: as soon as we would, or if that takes a transaction of ours that is to last, when
   * the network says that nobody is there.
   */
  private static String forDeadConnections(Duration answer) {
    return "set idle_in_transaction_session_timeout = "
        + answer.toMillis()
        + "; set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10;"
        + " set tcp_keepalives_count = 3";
  }

  private void lookAtCrashSafety(String schema) {
    Set<CrashSafety> off;
    try (Connection connection = source(schema, settings.answerTimeout()).getConnection()) {
      off = CrashSafety.off(connection);
    } catch (SQLException e) {
      LOG.warn("{}: whether commits survive a crash cannot be seen: {}", address, e.getMessage());
      return;
    }
    for (CrashSafety setting : off) {
      if (!unsafe.contains(setting)) {
        LOG.warn("{}: {} is off: {}; set it to on", address, setting.label(), setting.otherwise());
      }
    }
    unsafe = off;
  }

  /** Whether the server answers now; asks it. */
  public boolean isReachable() {
    try (Connection connection = source("public", settings.connectTimeout()).getConnection()) {
      return connection.isValid((int) Math.max(1, settings.connectTimeout().toSeconds()));
    } catch (SQLException e) {
      LOG.debug("{} cannot be reached: {}", address, e.getMessage());
      return false;
    }
  }

  /** Closes all connections, and the server if this process is the last that uses it. */
  @Override
  public synchronized void close() {
    pools.forEach(HikariDataSource::close);
    pools.clear();
    embedded.ifPresent(EmbeddedServer::close);
  }

  private void migrate(String schema) {
    try {
      Flyway flyway =
          Flyway.configure()
              .loggers("slf4j")
              .dataSource(source(schema, Duration.ZERO))
              .schemas(schema)
              .locations("classpath:db/" + schema, "classpath:db/outbox", "classpath:db/audit")
              .load();
      sayWhatIsPending(schema, flyway.info());
      var result = flyway.migrate();
      if (result.migrationsExecuted > 0) {
        LOG.info(
            "schema {}: {} migrations, now at version {}",
            schema,
            result.migrationsExecuted,
            result.targetSchemaVersion);
      }
    } catch (FlywayException e) {
      throw connectionFailure(e)
          .map(this::unreachable)
          .orElseGet(
              () ->
                  new MeshException(
                      Fault.PRECONDITION_FAILED,
                      "schema %s in %s cannot be migrated: %s"
                          .formatted(schema, address, firstLine(e)),
                      e));
    }
  }

  /** Before they begin: those of large tables may take an hour, and begin anew if cut off. */
  private static void sayWhatIsPending(String schema, MigrationInfoService info) {
    MigrationInfo[] pending = info.pending();
    if (pending.length > 0) {
      LOG.info(
          "schema {}: {} migrations begin, from version {} to {}",
          schema,
          pending.length,
          latest(info.applied()),
          latest(info.all()));
    }
  }

  /** The latest version among migrations, of which some have none; 0 if none has one. */
  private static String latest(MigrationInfo[] migrations) {
    return Arrays.stream(migrations)
        .map(MigrationInfo::getVersion)
        .filter(Objects::nonNull)
        .max(Comparator.naturalOrder())
        .map(Object::toString)
        .orElse("0");
  }

  private MeshException unreachable(SQLException e) {
    return new MeshException(
        Fault.DEPENDENCY_DOWN,
        ("PostgreSQL cannot be used: %s: %s; check ballast.database.url, .user and .password, or"
                + " leave the URL out for the embedded one")
            .formatted(address, firstLine(e)),
        e);
  }

  /**
   * Connections refused, names unknown, passwords wrong, databases absent: SQL states 08, 28, 3D.
   */
  private static Optional<SQLException> connectionFailure(Throwable thrown) {
    Throwable cause = thrown;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof SQLException e
          && e.getSQLState() != null
          && e.getSQLState().matches("(08|28|3D|57P).*")) {
        return Optional.of(e);
      }
      cause = cause.getCause();
    }
    return Optional.empty();
  }

  private static String firstLine(Throwable e) {
    String message = e.getMessage();
    return message == null
        ? e.getClass().getSimpleName()
        : message.lines().filter(line -> !line.isBlank()).findFirst().orElse("");
  }

  /**
   * @param answer how long a statement may take; zero: as long as a large table needs
   */
  private PGSimpleDataSource source(String schema, Duration answer) {
    PGSimpleDataSource source = new SoonConnected((int) answer.toMillis());
    source.setUrl(address.url());
    source.setUser(address.user());
    if (!address.password().isEmpty()) {
      source.setPassword(address.password());
    }
    source.setApplicationName("ballast " + schema);
    source.setCurrentSchema(schema);
    int seconds = (int) Math.max(1, settings.connectTimeout().toSeconds());
    source.setConnectTimeout(seconds);
    source.setSocketTimeout(seconds);
    source.setTcpKeepAlive(true);
    source.setLogServerErrorDetail(false); // the detail of a refused row is the row
    return source;
  }

  /**
   * Whoever takes the connection and then says nothing is not waited for longer than for one who
   * takes none; only once it is made may answers take their own time.
   */
  private static final class SoonConnected extends PGSimpleDataSource {
    private static final long serialVersionUID = 1;

    private final int answerMillis;

    SoonConnected(int answerMillis) {
      this.answerMillis = answerMillis;
    }

    @Override
    public Connection getConnection(@Nullable String user, @Nullable String password)
        throws SQLException {
      Connection connection = super.getConnection(user, password);
      connection.setNetworkTimeout(Runnable::run, answerMillis);
      return connection;
    }
  }
}
