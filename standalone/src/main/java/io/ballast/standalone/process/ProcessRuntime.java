package io.ballast.standalone.process;

import io.ballast.kit.audit.Configuration;
import io.ballast.kit.grpc.BidiReplies;
import io.ballast.kit.grpc.PeerChannel;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.outbox.KafkaTopic;
import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.outbox.OutboxRelay;
import io.ballast.kit.outbox.PostgresOutbox;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.standalone.config.MeshConfig;
import io.grpc.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.eclipse.microprofile.config.ConfigProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What one process gives to the servers in it. Parts are made when they are first asked for. */
final class ProcessRuntime implements MeshRuntime, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessRuntime.class);

  /** What does not belong to a server: the world outside. */
  record Surroundings(
      MeterRegistry meters, OpenTelemetry telemetry, InstantSource clock, LongSupplier nanoTime) {}

  private final MeshConfig config;
  private final int port;
  private final Surroundings surroundings;
  private final ProcessSecurity security;
  private final Supplier<Postgres> postgres;
  private final VirtualThreadReplies replies;
  private final Map<Role, PeerChannel> peers = new EnumMap<>(Role.class);
  private final List<AutoCloseable> publishing = new ArrayList<>(); // under this
  private Optional<Configuration> configuration = Optional.empty(); // under this; the same for all

  /**
   * @param port of this process
   * @param security what is shown to peers; stays its owner's
   * @param postgres gives the database, waiting for its start; may throw
   */
  ProcessRuntime(
      MeshConfig config,
      int port,
      Surroundings surroundings,
      ProcessSecurity security,
      Supplier<Postgres> postgres) {
    this.config = config;
    this.port = port;
    this.surroundings = surroundings;
    this.security = security;
    this.postgres = postgres;
    this.replies =
        new VirtualThreadReplies(
            new StatusMapper(config.processName()), config.maxCalls(), config.maxStreams());
  }

  @Override
  public Database database(String schema) {
    return postgres.get().schema(schema);
  }

  @Override
  public Outbox outbox(Role role, Database database) {
    return config
        .events()
        .<Outbox>map(events -> published(role, new PostgresOutbox(database.jdbi()), events))
        .orElseGet(Outbox::none);
  }

  private synchronized PostgresOutbox published(
      Role role, PostgresOutbox outbox, MeshConfig.Events events) {
    KafkaTopic topic = new KafkaTopic(events.kafka(), role.label());
    OutboxRelay relay = new OutboxRelay(role.label(), outbox, topic, surroundings.meters());
    publishing.add(relay);
    publishing.add(topic);
    relay.start(events.interval());
    return outbox;
  }

  @Override
  public synchronized Channel peer(Role role) {
    return peers.computeIfAbsent(role, this::open).channel();
  }

  /** Connects to the peers that the servers have asked for, in the background. */
  synchronized void connect() {
    peers.values().forEach(PeerChannel::connect);
  }

  /** The peers that the servers have asked for and that are not connected now. */
  synchronized List<Role> peersAway() {
    return peers.entrySet().stream()
        .filter(peer -> !peer.getValue().isConnected())
        .map(Map.Entry::getKey)
        .toList();
  }

  private PeerChannel open(Role role) {
    List<String> addresses = config.peers().getOrDefault(role, List.of());
    return PeerChannel.open(
        addresses.isEmpty() ? List.of("127.0.0.1:" + port) : addresses,
        new PeerGuard(
            role.label(),
            config.peerCalls(),
            surroundings.clock(),
            surroundings.nanoTime(),
            surroundings.meters()),
        config.peerCalls(),
        security.token(addresses.isEmpty()),
        security.tls(),
        surroundings.telemetry());
  }

  @Override
  public List<Path> modelFolders() {
    List<Path> folders = new ArrayList<>();
    folders.add(config.data().resolve("models"));
    folders.addAll(config.models());
    return folders;
  }

  @Override
  public Path dataFolder() {
    return config.data();
  }

  @Override
  public boolean ownsDatabase() {
    return config.database().isEmpty();
  }

  @Override
  public synchronized Optional<Configuration> configuration() {
    if (configuration.isEmpty()) {
      configuration =
          Optional.of(
              new Configuration(
                  ConfigurationDigest.of(ConfigProvider.getConfig()), RightHolders.of(config)));
    }
    return configuration;
  }

  @Override
  public BidiReplies replies() {
    return replies;
  }

  @Override
  public InstantSource clock() {
    return surroundings.clock();
  }

  @Override
  public LongSupplier nanoTime() {
    return surroundings.nanoTime();
  }

  @Override
  public MeterRegistry meters() {
    return surroundings.meters();
  }

  @Override
  public OpenTelemetry telemetry() {
    return surroundings.telemetry();
  }

  @Override
  public synchronized void close() {
    replies.close();
    publishing.forEach(ProcessRuntime::quietly);
    publishing.clear();
    peers.values().forEach(PeerChannel::close);
    peers.clear();
  }

  private static void quietly(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception e) { // whatever fails to stop, the rest has to be stopped too
      LOG.warn("events did not stop cleanly: {}", e.toString());
    }
  }
}
