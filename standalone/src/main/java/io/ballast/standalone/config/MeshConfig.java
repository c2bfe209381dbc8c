package io.ballast.standalone.config;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.outbox.KafkaTopic;
import io.ballast.kit.postgres.PostgresAddress;
import io.ballast.kit.postgres.PostgresSettings;
import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.LimitSettings;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.security.TlsSettings;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.quarkus.runtime.configuration.MemorySize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a process is, checked once.
 *
 * @param roles the servers in it, at least one
 * @param server how they are reached
 * @param httpPort for those who are told where the console is
 * @param data the folder that it may write
 * @param models folders of models to read, after {@code data/models}
 * @param peers addresses of servers, those left out being in this process
 * @param peerCalls how peers are called
 * @param database empty: embedded in the data folder
 * @param databaseSettings how the database is used
 * @param telemetry where traces and metrics go
 * @param events where others are told what happens; empty: nobody is
 * @param maxCalls under way at once, ≥ 1
 * @param maxStreams that wait at once, for their callers or for something to happen, ≥ 1
 * @param security who may call, and how connections are secured
 * @param limits of calls for which a model works, by lane; empty: none of their own
 */
public record MeshConfig(
    Set<Role> roles,
    MeshServer.Options server,
    int httpPort,
    Path data,
    List<Path> models,
    Map<Role, List<String>> peers,
    PeerSettings peerCalls,
    Optional<PostgresAddress> database,
    PostgresSettings databaseSettings,
    TelemetrySettings telemetry,
    Optional<Events> events,
    int maxCalls,
    int maxStreams,
    SecurityConfig security,
    Optional<LimitSettings> limits) {
  /**
   * How events are published.
   *
   * @param interval between two looks for them
   */
  public record Events(KafkaTopic.Settings kafka, Duration interval) {
    public Events {
      require(!kafka.topic().isBlank(), "ballast.events.kafka.topic", "blank", "a name");
      require(interval.isPositive(), "ballast.events.interval", interval, "above 0");
    }
  }

  /** Checks and copies. */
  public MeshConfig {
    require(!roles.isEmpty(), "ballast.roles", "none", "at least one of " + names());
    require(maxCalls >= 1, "ballast.max-calls", maxCalls, "≥ 1");
    require(maxStreams >= 1, "ballast.max-streams", maxStreams, "≥ 1");
    require(httpPort >= 0 && httpPort <= 65_535, "ballast.http-port", httpPort, "0 to 65535");
    roles = Set.copyOf(EnumSet.copyOf(roles));
    models = List.copyOf(models);
    peers = Map.copyOf(peers);
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static MeshConfig from(MeshProperties properties) {
    Set<Role> roles = roles(properties.roles());
    int maxMessageBytes = Math.toIntExact(properties.maxMessageSize().asLongValue());
    return new MeshConfig(
        roles,
        new MeshServer.Options(
            properties.host(),
            properties.port(),
            maxMessageBytes,
            properties.deadlineFloor(),
            properties.drain(),
            properties.reflection(),
            properties.token(),
            maxHeldBytes(properties, maxMessageBytes)),
        properties.httpPort(),
        properties.data(),
        properties.models(),
        peers(properties.peers()),
        new PeerSettings(
            properties.peerCalls().timeout(),
            properties.peerCalls().maxInFlight(),
            properties.peerCalls().failureRatePercent(),
            properties.peerCalls().slidingWindowCalls(),
            properties.peerCalls().openDuration(),
            Math.toIntExact(properties.peerCalls().maxMessageSize().asLongValue()),
            properties.peerCalls().answerReserve(),
            new BalancingSettings(
                properties.peerCalls().hedgingDelay(),
                properties.peerCalls().ejectionInterval(),
                properties.peerCalls().ejectionTime(),
                properties.peerCalls().slowStart())),
        properties
            .database()
            .url()
            .map(
                url ->
                    new PostgresAddress(
                        url,
                        properties.database().user(),
                        properties.database().password().orElse(""))),
        new PostgresSettings(
            properties.database().maxConnections(),
            properties.database().connectTimeout(),
            properties.database().answerTimeout()),
        new TelemetrySettings(
            processName(roles),
            properties.telemetry().otlpEndpoint(),
            properties.telemetry().sampledRatio(),
            properties.telemetry().recentSpans(),
            properties.telemetry().metricsInterval(),
            properties.telemetry().histograms()),
        events(properties.events()),
        properties.maxCalls(),
        properties.maxStreams(),
        SecurityConfig.from(properties),
        limits(properties.limit(), properties.maxCalls()));
  }

  private static long maxHeldBytes(MeshProperties properties, int maxMessageBytes) {
    long bytes =
        properties
            .maxHeldBytes()
            .map(MemorySize::asLongValue)
            .orElseGet(() -> MeshServer.Options.usualHeldBytes(maxMessageBytes));
    long least = MeshServer.Options.leastHeldBytes(maxMessageBytes);
    require(
        bytes >= least,
        "ballast.max-held-bytes",
        bytes,
        "at least eight times max-message-size, %,d".formatted(least));
    return bytes;
  }

  private static Optional<LimitSettings> limits(
      MeshProperties.LimitProperties properties, int maxCalls) {
    return properties.enabled()
        ? Optional.of(
            new LimitSettings(
                Math.min(properties.initial(), maxCalls),
                Math.min(properties.least(), maxCalls),
                maxCalls,
                properties.interactiveWait(),
                properties.trainerWait(),
                properties.batchWait()))
        : Optional.empty();
  }

  private static Optional<Events> events(MeshProperties.EventProperties properties) {
    MeshProperties.KafkaProperties kafka = properties.kafka();
    return kafka
        .servers()
        .map(
            servers ->
                new Events(
                    new KafkaTopic.Settings(
                        String.join(",", servers),
                        kafka.topic(),
                        kafka.patience(),
                        kafka.properties()),
                    properties.interval()));
  }

  /** What errors and traces call the process: its server, or the mesh where several share it. */
  public String processName() {
    return processName(roles);
  }

  private static String processName(Set<Role> roles) {
    return roles.size() == 1 ? roles.iterator().next().label() : "ballast";
  }

  /** The roles in the order in which they start. */
  public List<Role> rolesInOrder() {
    return new ArrayList<>(EnumSet.copyOf(roles));
  }

  /** Whether callers are known by nothing: no token, no identity provider, no certificates. */
  public boolean asksNobody() {
    return server.bearerToken().isEmpty()
        && security.jwt().isEmpty()
        && security
            .tls()
            .filter(tls -> tls.clients() != TlsSettings.ClientCertificates.NONE)
            .isEmpty();
  }

  /** Whether who calls {@code role} from here calls this process: nobody said where else it is. */
  public boolean calledHere(Role role) {
    return roles.contains(role) && peers.getOrDefault(role, List.of()).isEmpty();
  }

  private static Set<Role> roles(List<String> names) {
    EnumSet<Role> roles = EnumSet.noneOf(Role.class);
    for (String name : names) {
      roles.add(role(name.strip()));
    }
    return roles;
  }

  private static Role role(String name) {
    return switch (name) {
      case "policy" -> Role.POLICY_SERVER;
      case "reward" -> Role.REWARD_SERVER;
      case "safety" -> Role.SAFETY_SERVER;
      case "orchestrator" -> Role.ORCHESTRATOR;
      default ->
          throw new IllegalArgumentException(
              "ballast.roles: %s (expected: some of %s)".formatted(name, names()));
    };
  }

  private static String names() {
    return "policy, reward, safety, orchestrator";
  }

  private static Map<Role, List<String>> peers(MeshProperties.Peers peers) {
    Map<Role, List<String>> addresses = new EnumMap<>(Role.class);
    for (Role role : Role.values()) {
      Optional<List<String>> given =
          switch (role) {
            case POLICY_SERVER -> peers.policy();
            case REWARD_SERVER -> peers.reward();
            case SAFETY_SERVER -> peers.safety();
            case ORCHESTRATOR -> peers.orchestrator();
          };
      given.ifPresent(list -> addresses.put(role, List.copyOf(list)));
    }
    return addresses;
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
