package io.ballast.kit.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.kit.grpc.StatusMapper;
import io.grpc.Context;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jboss.logmanager.ExtLogRecord;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mesh's own PostgreSQL is durable, found again, and may go away without anyone restarting. */
class PostgresTest {
  private static final PostgresSettings SETTINGS = new PostgresSettings(2, Duration.ofSeconds(1));

  @TempDir Path folder;

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  private Postgres open() {
    return Postgres.embedded(
        folder.resolve("postgres"), folder.resolve("logs/postgres.log"), SETTINGS, meters);
  }

  private static String setting(Jdbi jdbi, String name) {
    return jdbi.withHandle(h -> h.createQuery("show " + name).mapTo(String.class).one());
  }

  private static List<String> titles(Jdbi jdbi) {
    return jdbi.withHandle(h -> h.createQuery("select title from book").mapTo(String.class).list());
  }

  private static void add(Jdbi jdbi, String title) {
    jdbi.useHandle(h -> h.execute("insert into book values (?)", title));
  }

  /** Stops the server as a crash of the machine would, and waits until it is gone. */
  private void kill(String signal) throws IOException {
    ProcessHandle server = ProcessHandle.of(postmaster()).orElseThrow();
    EmbeddedServer.stop(folder.resolve("postgres"), server, signal);
    assertThat(folder.resolve("postgres/data/postmaster.pid")).doesNotExist();
  }

  private long postmaster() throws IOException {
    return Long.parseLong(
        Files.readAllLines(folder.resolve("postgres/data/postmaster.pid")).getFirst());
  }

  @Test
  void whatIsWrittenIsDurableAndThereAfterARestart() {
    PostgresAddress address;
    try (Postgres postgres = open()) {
      Jdbi shelf = postgres.schema("shelf").jdbi();
      assertThat(setting(shelf, "fsync")).isEqualTo("on");
      assertThat(setting(shelf, "synchronous_commit")).isEqualTo("on");
      assertThat(setting(shelf, "full_page_writes")).isEqualTo("on");
      assertThat(meters.get("ballast.database.unsafe").gauges())
          .hasSize(3)
          .allSatisfy(each -> assertThat(each.value()).isZero());
      assertThat(setting(shelf, "search_path")).isEqualTo("shelf");
      add(shelf, "Middlemarch");
      address = postgres.address();
      assertThat(postgres.isReachable()).isTrue();
    }
    assertThat(folder.resolve("postgres/data/postmaster.pid")).doesNotExist();
    assertThat(Postgres.at(address, SETTINGS, new SimpleMeterRegistry()).isReachable()).isFalse();
    try (Postgres again = open()) {
      assertThat(titles(again.schema("shelf").jdbi())).containsExactly("Middlemarch");
    }
  }

  @Test
  void theProgramThatRunsIsOneThatNobodyElseCanPutThere() throws IOException {
    Path program = Files.createDirectories(folder.resolve("postgres/program"));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxrwxrwx"));
    try (Postgres postgres = open()) {
      assertThat(postgres.isReachable()).isTrue();
      String runs = ProcessHandle.of(postmaster()).orElseThrow().info().command().orElseThrow();
      assertThat(Path.of(runs).toRealPath()).startsWith(program.toRealPath());
      assertThat(OwnerOnly.isOpenToOthers(program)).isFalse();
    }
  }

  @Test
  void aServerThatGoesAwayIsADependencyThatIsDownUntilItIsBack() throws IOException {
    try (Postgres postgres = open()) {
      Jdbi shelf = postgres.schema("shelf").jdbi();
      add(shelf, "Emma");
      kill("-QUIT"); // an immediate stop: no checkpoint, as in a crash
      assertThatThrownBy(() -> titles(shelf))
          .satisfies(
              thrown ->
                  assertThat(new StatusMapper("test").judge(thrown, Context.ROOT).fault())
                      .isEqualTo(Fault.DEPENDENCY_DOWN));
      assertThat(postgres.isReachable()).isFalse();
      assertThat(meters.get("ballast.database.up").gauge().value()).isZero();
      Postgres other = startAgainOn(postgres.address());
      assertThat(titlesOnceItIsBack(shelf)).containsExactly("Emma");
      assertThat(postgres.isReachable()).isTrue();
      assertThat(meters.get("ballast.database.up").gauge().value()).isOne();
      other.close();
    }
  }

  @Test
  void aRowThatIsRefusedIsQuotedNowhere() throws IOException {
    try (Postgres postgres = open()) {
      Jdbi shelf = postgres.schema("shelf").jdbi();
      add(shelf, "hunter2");
      assertThatThrownBy(() -> add(shelf, "hunter2"))
          .satisfies(
              thrown -> {
                StringWriter words = new StringWriter();
                thrown.printStackTrace(new PrintWriter(words));
                assertThat(words.toString()).contains("book_pkey").doesNotContain("hunter2");
              });
    }
    assertThat(Files.readString(folder.resolve("logs/postgres.log")))
        .contains("book_pkey")
        .doesNotContain("hunter2");
  }

  @Test
  void anEmbeddedServerThatIsKilledIsStartedAgainAtItsPort() throws IOException {
    try (Postgres postgres = open()) {
      Jdbi shelf = postgres.schema("shelf").jdbi();
      add(shelf, "Persuasion");
      assertThat(postgres.keepRunning(Duration.ofMillis(200))).isSameAs(postgres);
      Path file = folder.resolve("postgres/data/postmaster.pid");
      ProcessHandle postmaster =
          ProcessHandle.of(Long.parseLong(Files.readAllLines(file).getFirst())).orElseThrow();

      assertThat(postmaster.destroyForcibly()).isTrue();
      postmaster.onExit().join();

      assertThat(titlesOnceItIsBack(shelf)).containsExactly("Persuasion");
      assertThat(Files.readAllLines(file).getFirst()).isNotEqualTo(Long.toString(postmaster.pid()));
    }
    assertThat(folder.resolve("postgres/data/postmaster.pid")).doesNotExist();
  }

  /** Asks until there is a connection: the pool looks every few seconds, each call waits one. */
  private static List<String> titlesOnceItIsBack(Jdbi jdbi) {
    for (int i = 0; i < 30; i++) {
      try {
        return titles(jdbi);
      } catch (JdbiException e) {
        // not yet
      }
    }
    return titles(jdbi);
  }

  /** Starts the server's files on the port that they had. */
  private Postgres startAgainOn(PostgresAddress address) throws IOException {
    int port = Integer.parseInt(address.url().replaceAll(".*:(\\d+)/.*", "$1"));
    EmbeddedServer.launch(
        folder.resolve("postgres"),
        folder.resolve("logs/postgres.log"),
        EmbeddedAccess.read(folder.resolve("postgres")),
        port,
        Duration.ofSeconds(60));
    return Postgres.at(address, SETTINGS, new SimpleMeterRegistry());
  }

  @Test
  void oneThatWasLeftRunningIsStoppedAndOneInUseIsNot() throws IOException {
    Path files = folder.resolve("postgres");
    assertThat(Postgres.stopUnused(files)).isEmpty();
    assertThat(files).doesNotExist();
    try (Postgres postgres = open()) {
      add(postgres.schema("shelf").jdbi(), "Silas Marner");
      assertThat(Postgres.stopUnused(files)).isEmpty();
      assertThat(postgres.isReachable()).isTrue();
    }
    launchForNobody();
    Path file = files.resolve("data/postmaster.pid");
    long process = Long.parseLong(Files.readAllLines(file).getFirst());

    assertThat(Postgres.stopUnused(files)).contains(process);

    assertThat(file).doesNotExist();
    assertThat(Postgres.stopUnused(files)).isEmpty();
    try (Postgres again = open()) {
      assertThat(titles(again.schema("shelf").jdbi())).containsExactly("Silas Marner");
    }
  }

  @Test
  void aServerOfOtherFilesWhoseNumberStandsInTheProcessFileIsNeitherAdoptedNorStopped()
      throws IOException {
    Path files = folder.resolve("other");
    Path file = files.resolve("data/postmaster.pid");
    try (Postgres postgres = open()) {
      add(postgres.schema("shelf").jdbi(), "Romola");
      List<String> lines =
          new ArrayList<>(Files.readAllLines(folder.resolve("postgres/data/postmaster.pid")));
      lines.set(1, files.resolve("data").toString()); // as after a restart of the machine
      Files.createDirectories(files.resolve("data"));
      Files.write(file, lines);
      Files.writeString(files.resolve("password"), "not that of the server that runs");

      assertThat(Postgres.find(files)).isEmpty();
      assertThat(Postgres.stopUnused(files)).isEmpty();

      assertThat(file).exists();
      assertThat(titles(postgres.schema("shelf").jdbi())).containsExactly("Romola");
      assertThat(Postgres.find(folder.resolve("postgres"))).contains(postgres.address());
    }
  }

  private void launchForNobody() throws IOException {
    EmbeddedServer.launch(
        folder.resolve("postgres"),
        folder.resolve("logs/postgres.log"),
        EmbeddedAccess.read(folder.resolve("postgres")),
        0,
        Duration.ofSeconds(60));
  }

  @Test
  void thatMigrationsBeginIsSaidBeforeTheyDoAndOnlyThen() {
    Logger logger = Logger.getLogger(Postgres.class.getName());
    Level usual = logger.getLevel();
    List<String> said = new CopyOnWriteArrayList<>();
    try (Postgres postgres = open()) {
      Handler handler = heard(said, postgres.address());
      logger.setLevel(Level.INFO);
      logger.addHandler(handler);
      try {
        add(postgres.schema("shelf").jdbi(), "Villette");
        add(postgres.schema("shelf").jdbi(), "Shirley");
      } finally {
        logger.removeHandler(handler);
        logger.setLevel(usual);
      }
    }
    // the shelf, and those of outbox and audit that have no version
    assertThat(said)
        .containsExactly(
            "schema shelf: 3 migrations begin, from version 0 to 1; the table is there: false",
            "schema shelf: 3 migrations, now at version 1; the table is there: true");
  }

  /** What is said, each line with whether the table was there by then. */
  private static Handler heard(List<String> said, PostgresAddress address) {
    Jdbi other = Jdbi.create(address.url(), address.user(), address.password());
    return new Handler() {
      @Override
      public void publish(LogRecord entry) {
        String line =
            entry instanceof ExtLogRecord formatted
                ? formatted.getFormattedMessage()
                : entry.getMessage();
        if (line.startsWith("schema shelf:")) {
          said.add("%s; the table is there: %s".formatted(line, isThere(other)));
        }
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    };
  }

  private static boolean isThere(Jdbi jdbi) {
    return jdbi.withHandle(
        h ->
            h.createQuery("select to_regclass('shelf.book') is not null")
                .mapTo(Boolean.class)
                .one());
  }

  @Test
  void aServerThatIsAwayAtTheStartIsNamedWithTheMend() throws IOException {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    String url = "jdbc:postgresql://127.0.0.1:%d/mesh".formatted(free);
    try (Postgres postgres =
        Postgres.at(
            new PostgresAddress(url + "?password=s3cret", "ballast", ""),
            SETTINGS,
            new SimpleMeterRegistry())) {
      assertThatThrownBy(() -> postgres.schema("shelf"))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN))
          .hasMessageStartingWith("PostgreSQL cannot be used: ballast at " + url + ": ")
          .hasMessageContaining("check ballast.database.url")
          .hasMessageNotContaining("s3cret");
    }
  }

  @Test
  void aUrlOfSomethingElseIsNamed() {
    assertThatThrownBy(() -> new PostgresAddress("jdbc:h2:mem:x", "sa", ""))
        .hasMessage(
            "ballast.database.url: jdbc:h2:mem:x"
                + " (expected: jdbc:postgresql://host:port/database)");
  }

  @Test
  void aFirstStartThatWasCutOffIsDoneAgain() throws IOException {
    Files.createDirectories(folder.resolve("postgres/data"));
    Files.writeString(folder.resolve("postgres/data/PG_VERSION"), "14\n");
    try (Postgres postgres = open()) {
      assertThat(titles(postgres.schema("shelf").jdbi())).isEmpty();
    }
  }

  @Test
  void whatIsWrittenToAServerWhoseFirstStartNobodySawEndIsKept() throws IOException {
    Path complete = folder.resolve("postgres/complete");
    try (Postgres postgres = open()) {
      add(postgres.schema("shelf").jdbi(), "Cranford");
    }
    launchForNobody();
    Files.delete(complete); // as if the process that started it first had been killed meanwhile
    try (Postgres adopted = open()) {
      assertThat(complete).exists();
      add(adopted.schema("shelf").jdbi(), "Ruth");
    }
    assertThat(folder.resolve("postgres/data/postmaster.pid")).doesNotExist();
    try (Postgres again = open()) {
      assertThat(titles(again.schema("shelf").jdbi()))
          .containsExactlyInAnyOrder("Cranford", "Ruth");
    }
  }

  private static PostgresAddress with(PostgresAddress address, String password) {
    return new PostgresAddress(address.url(), address.user(), password);
  }

  private static void assertClosedToStrangers(PostgresAddress address) throws SQLException {
    assertThatThrownBy(() -> with(address, "").connect()).isInstanceOf(SQLException.class);
    assertThatThrownBy(() -> with(address, "postgres").connect())
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
    try (Connection owner = address.connect()) {
      assertThat(owner.isValid(5)).isTrue();
    }
  }

  @Test
  void whoeverCannotReadThePasswordIsNotLetIn() throws Exception {
    Path file = folder.resolve("postgres/password");
    PostgresAddress address;
    try (Postgres postgres = open()) {
      address = postgres.address();
      assertClosedToStrangers(address);
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo("rw-------");
      assertThat(file).hasContent(address.password());
      assertThat(OwnerOnly.isOpenToOthers(folder.resolve("postgres"))).isFalse();
      assertThat(OwnerOnly.isOpenToOthers(folder.resolve("logs/postgres.log"))).isFalse();
      assertThat(address.password()).hasSize(43); // 32 bytes in base 64
      assertThat(address.toString()).doesNotContain(address.password());
      assertThat(EmbeddedAccess.read(folder.resolve("postgres")).toString())
          .doesNotContain(address.password());
      assertThat(Postgres.find(folder.resolve("postgres"))).contains(address);
    }
    assertThat(Postgres.find(folder.resolve("postgres"))).isEmpty();
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    try (Postgres again = open()) {
      assertThat(again.address().password()).isEqualTo(address.password());
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo("rw-------");
    }
  }

  /** A server as releases made it that let in every user of the machine; it runs. */
  private EmbeddedPostgres ofAnEarlierRelease() throws IOException, SQLException {
    EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setDataDirectory(folder.resolve("postgres/data"))
            .setCleanDataDirectory(false)
            .setRegisterShutdownHook(false)
            .start();
    Files.createFile(folder.resolve("postgres/complete"));
    try (Connection anybody = server.getPostgresDatabase().getConnection();
        Statement statement = anybody.createStatement()) {
      statement.execute("create table kept as select 'Villette' as title");
    }
    return server;
  }

  private static void assertKept(PostgresAddress address) throws SQLException {
    try (Connection owner = address.connect();
        Statement statement = owner.createStatement();
        ResultSet rows = statement.executeQuery("select title from kept")) {
      assertThat(rows.next()).isTrue();
      assertThat(rows.getString(1)).isEqualTo("Villette");
    }
  }

  @Test
  void aFolderOfAnEarlierReleaseIsClosedToStrangersAndKeepsWhatItHas() throws Exception {
    ofAnEarlierRelease().close();
    PostgresAddress address;
    try (Postgres postgres = open()) {
      address = postgres.address();
      assertClosedToStrangers(address);
      assertKept(address);
    }
    try (Postgres again = open()) {
      assertThat(again.address().password()).isEqualTo(address.password());
      assertClosedToStrangers(again.address());
      assertKept(again.address());
    }
  }

  @Test
  void aServerOfAnEarlierReleaseThatRunsIsClosedToStrangersAndToThoseWhoAreIn() throws Exception {
    EmbeddedPostgres before = ofAnEarlierRelease();
    try (Connection stranger = before.getPostgresDatabase().getConnection();
        Postgres postgres = open()) {
      assertThat(stranger.isValid(5)).isFalse();
      assertThat(postgres.address().url()).contains(":" + before.getPort() + "/");
      assertClosedToStrangers(postgres.address());
      assertKept(postgres.address());
    }
  }

  @Test
  void aClosingThatIsCutOffAnywhereIsDoneByTheNextStart() throws Exception {
    Path files = folder.resolve("postgres");
    Path rules = files.resolve("data/pg_hba.conf");
    EmbeddedPostgres before = ofAnEarlierRelease();
    String open = Files.readString(rules);
    EmbeddedAccess access = EmbeddedAccess.of(files, new SecureRandom());

    access.givePassword(before.getPort()); // cut off with the server running
    assertThat(Files.readString(rules)).isEqualTo(open);
    try (Connection stranger = before.getPostgresDatabase().getConnection();
        Postgres postgres = open()) {
      assertThat(stranger.isValid(5)).isFalse();
      assertClosedToStrangers(postgres.address());
      assertKept(postgres.address());
    }

    Files.writeString(rules, open); // cut off with the server stopped
    try (Postgres postgres = open()) {
      assertClosedToStrangers(postgres.address());
      assertKept(postgres.address());
    }
  }

  @Test
  void aPasswordThatIsGoneIsNamedWithTheMendWhichWorks() throws Exception {
    Path file = folder.resolve("postgres/password");
    Path rules = folder.resolve("postgres/data/pg_hba.conf");
    PostgresAddress before;
    try (Postgres postgres = open()) {
      before = postgres.address();
    }
    Files.delete(file);
    assertThatThrownBy(this::open)
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessageContaining("its password is gone: put " + file + " back")
        .hasMessageContaining(
            "'host all all 127.0.0.1/32 trust' into " + rules + ", as its first line");

    Files.writeString(rules, "host all all 127.0.0.1/32 trust\n" + Files.readString(rules));
    try (Postgres postgres = open()) {
      assertThat(postgres.address().password()).isNotEqualTo(before.password()).hasSize(43);
      assertClosedToStrangers(postgres.address());
    }
    assertThat(Files.readString(rules)).doesNotContain("trust ").doesNotContain("trust\n");
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> new PostgresSettings(0, Duration.ofSeconds(1)))
        .hasMessage("ballast.database.max-connections: 0 (allowed: ≥ 1)");
    assertThatThrownBy(() -> new PostgresSettings(1, Duration.ofMillis(100)))
        .hasMessage("ballast.database.connect-timeout: PT0.1S (allowed: ≥ PT0.25S)");
  }
}
