package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresAddress;
import io.ballast.kit.runtime.Role;
import io.ballast.loadtest.bench.FreePorts;
import io.ballast.testing.Await;
import io.ballast.testing.FaultProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Four processes and the PostgreSQL of their own, each of which can be killed, with a bad network
 * between each server that others call and those who call it.
 */
final class SplitMesh implements AutoCloseable {
  private static final long SEED = 8;

  /** Those that other servers call. */
  private static final List<Role> CALLED =
      List.of(Role.POLICY_SERVER, Role.REWARD_SERVER, Role.SAFETY_SERVER);

  /** A lease lasts four times as long: enough for a busy machine, and not 20 s to wait for. */
  private static final String SWEEP = "ballast.orchestrator.sweep-interval";

  private static final String SWEEPS = "PT1S";
  private static final int LINES = 4; // of PostgreSQL's file until its port

  private final Path data;
  private final Map<Role, FaultProxy> networks;
  private final List<BuiltMesh> servers;

  private SplitMesh(Path data, Map<Role, FaultProxy> networks, List<BuiltMesh> servers) {
    this.data = data;
    this.networks = networks;
    this.servers = new ArrayList<>(servers);
  }

  /** Starts it, until its servers answer and have found each other. */
  static SplitMesh start(Path data) {
    int port = FreePorts.inARow();
    Map<Role, FaultProxy> networks = new EnumMap<>(Role.class);
    for (Role role : CALLED) {
      networks.put(role, FaultProxy.to(port + role.ordinal(), SEED));
    }
    Map<String, String> properties = new TreeMap<>(peers(networks));
    properties.put("ballast.policy.gate-timeout", "PT4S");
    properties.put("ballast.policy.judge-timeout", "PT4S");
    properties.put(SWEEP, SWEEPS);
    return new SplitMesh(data, networks, BuiltMesh.startSplit(data, port, properties));
  }

  /** Where servers find each other: behind the networks. */
  private static Map<String, String> peers(Map<Role, FaultProxy> networks) {
    Map<String, String> properties = new TreeMap<>();
    networks.forEach(
        (role, network) ->
            properties.put(
                "ballast.peers." + role.label().replace("-server", ""),
                "127.0.0.1:" + network.port()));
    return properties;
  }

  BuiltMesh at(Role role) {
    return servers.get(role.ordinal());
  }

  /** What other servers call {@code server} through; its own clients do not. */
  FaultProxy network(Role server) {
    return Objects.requireNonNull(networks.get(server), "no server calls it");
  }

  /**
   * Starts an orchestrator beside the one that there is: on its database, models and checkpoints,
   * under a name of its own, until it answers.
   *
   * @param folder an empty one
   */
  BuiltMesh secondOrchestrator(Path folder) throws IOException {
    for (String shared : List.of("models", "learner")) {
      Path link = folder.resolve(shared);
      var unused = Files.createSymbolicLink(link, Files.createDirectories(data.resolve(shared)));
    }
    PostgresAddress database = databaseAddress();
    Map<String, String> properties = new TreeMap<>(peers(networks));
    properties.put("ballast.roles", "orchestrator");
    properties.put("ballast.database.url", database.url());
    properties.put("ballast.database.user", database.user());
    properties.put("ballast.database.password", database.password());
    properties.put(SWEEP, SWEEPS);
    return BuiltMesh.start(folder, properties);
  }

  /** Who has the lease of a run; empty: nobody. */
  String holder(String runId) {
    try (Connection connection = databaseAddress().connect();
        PreparedStatement query =
            connection.prepareStatement(
                "select holder from orchestrator.run_lease where run_id = ?")) {
      query.setString(1, runId);
      try (ResultSet rows = query.executeQuery()) {
        return rows.next() ? rows.getString(1) : "";
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** Kills a server (kill -9) and starts it again, until it answers. */
  void restart(Role role) {
    at(role).kill();
    servers.set(role.ordinal(), at(role).again());
  }

  /** Kills PostgreSQL (kill -9), until the servers have started it again. */
  void killDatabase() {
    ProcessHandle old = postmaster().orElseThrow();
    assertThat(old.destroyForcibly()).isTrue();
    Await.until(() -> postmaster().filter(other -> other.pid() != old.pid()).isPresent());
  }

  /** Sets what a server may write into one file, in bytes. */
  void limitFiles(Role role, long most) throws IOException {
    FileLimit.set(at(role).pid(), most);
  }

  /** Sets what each of PostgreSQL's processes may write into one file, in bytes. */
  void limitDatabase(long most) throws IOException {
    ProcessHandle postmaster = postmaster().orElseThrow();
    FileLimit.set(postmaster.pid(), most); // those to come have it from here
    for (ProcessHandle each : postmaster.descendants().toList()) {
      FileLimit.set(each.pid(), most);
    }
  }

  /** Where PostgreSQL is, and its password, for whoever is no process of this mesh. */
  private PostgresAddress databaseAddress() {
    return Postgres.find(data.resolve("postgres")).orElseThrow();
  }

  private Optional<ProcessHandle> postmaster() {
    return database().stream()
        .findFirst()
        .flatMap(process -> ProcessHandle.of(Long.parseLong(process.strip())));
  }

  /** PostgreSQL's own file: its process, its folder, its start, its port; empty if it has none. */
  private List<String> database() {
    try {
      List<String> lines = Files.readAllLines(data.resolve("postgres/data/postmaster.pid"));
      return lines.size() < LINES ? List.of() : lines; // it is being written
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Stops it in order; the last server stops PostgreSQL. */
  @Override
  public void close() {
    servers.forEach(BuiltMesh::terminate);
    servers.forEach(BuiltMesh::close);
    networks.values().forEach(FaultProxy::close);
    assertThat(data.resolve("postgres/data/postmaster.pid")).doesNotExist();
  }
}
