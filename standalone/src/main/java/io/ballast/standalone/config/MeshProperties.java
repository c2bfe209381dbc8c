package io.ballast.standalone.config;

import io.ballast.kit.telemetry.TelemetrySettings;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The process's properties, {@code ballast.*}. Defaults live here only. */
@ConfigMapping(prefix = "ballast")
public interface MeshProperties {
  /** The servers in this process: policy, reward, safety, orchestrator. */
  @WithDefault("policy,reward,safety,orchestrator")
  List<String> roles();

  /** The address that gRPC listens on; 0.0.0.0 for all. */
  @WithDefault("127.0.0.1")
  String host();

  /** The port of gRPC; 0: any free one. */
  @WithDefault("9100")
  int port();

  /** The port of console, health and metrics; 0: any free one. */
  @WithDefault("9180")
  int httpPort();

  /** The folder that this mesh may write: database, published models, caches, logs. */
  @WithDefault(".ballast")
  Path data();

  /** Folders of models that came with the program, after the data folder's own in the search. */
  @WithDefault("models")
  List<Path> models();

  /** Where the servers are that are not in this process. */
  Peers peers();

  /** PostgreSQL. */
  DatabaseProperties database();

  /** Where traces and metrics go. */
  TelemetryProperties telemetry();

  /** Where others are told what happens. */
  EventProperties events();

  /** What every call must carry as {@code authorization: Bearer <token>}; absent: nothing. */
  Optional<String> token();

  /** Encryption. */
  TlsProperties tls();

  /** Who may call. */
  SecurityProperties security();

  /** What one connection may take. */
  ConnectionProperties connections();

  /** Whether clients may list the services. */
  @WithDefault("true")
  boolean reflection();

  /** How long calls under way may take to end at a stop. */
  @WithDefault("PT10S")
  Duration drain();

  /** A call that has less time left is refused at once. */
  @WithDefault("PT0.001S")
  Duration deadlineFloor();

  /** The longest message taken. */
  @WithDefault("16M")
  MemorySize maxMessageSize();

  /**
   * Memory that the requests of known callers take at once; what finds no room is refused. Absent:
   * a third of the heap; eight of the longest messages, and 128M, at the least.
   */
  Optional<MemorySize> maxHeldBytes();

  /** Calls under way at once; more are refused. */
  @WithDefault("1024")
  int maxCalls();

  /** Streams that wait at once, for their callers or for something to happen; more are refused. */
  @WithDefault("4096")
  int maxStreams();

  /** How many calls of each lane a server has under way. */
  LimitProperties limit();

  /** How peers are called. */
  PeerCallProperties peerCalls();

  /**
   * How many calls for which a model works a server has under way, by lane: found between bounds by
   * how long their work waits for its turn.
   */
  interface LimitProperties {
    /** Whether there is such a limit, beside that of all calls. */
    @WithDefault("true")
    boolean enabled();

    /** Of each lane at the start. */
    @WithDefault("256")
    int initial();

    /** Of each lane at the least; at the most it is the limit of all calls. */
    @WithDefault("8")
    int least();

    /** How long a person's work may wait on average before fewer calls are admitted. */
    @WithDefault("PT0.2S")
    Duration interactiveWait();

    /** How long a trainer's work may. */
    @WithDefault("PT1S")
    Duration trainerWait();

    /** How long batch work may. */
    @WithDefault("PT5S")
    Duration batchWait();
  }

  /** Addresses, {@code host:port} each; absent: this process's own port. */
  interface Peers {
    /** Of the policy-server. */
    Optional<List<String>> policy();

    /** Of the reward-server. */
    Optional<List<String>> reward();

    /** Of the safety-server. */
    Optional<List<String>> safety();

    /** Of the orchestrator. */
    Optional<List<String>> orchestrator();
  }

  /** How peers are called. */
  interface PeerCallProperties {
    /** The longest that a unary call may take, retries included. */
    @WithDefault("PT60S")
    Duration timeout();

    /** Calls to one peer at once; one more is refused. */
    @WithDefault("256")
    int maxInFlight();

    /** Of the last calls, at which the breaker opens, 1 to 100 %. */
    @WithDefault("50")
    int failureRatePercent();

    /** How many last calls count. */
    @WithDefault("20")
    int slidingWindowCalls();

    /** How long an open breaker refuses before it tries again. */
    @WithDefault("PT2S")
    Duration openDuration();

    /** The longest answer taken. */
    @WithDefault("64M")
    MemorySize maxMessageSize();

    /**
     * What a call to a peer leaves of its caller's time for the answer to that one; at most a tenth
     * of what is left.
     */
    @WithDefault("PT0.005S")
    Duration answerReserve();

    /** After so long a cheap read is asked of another replica too; absent: never. */
    Optional<Duration> hedgingDelay();

    /** How often replicas are looked for that fail nearly all calls; zero: never. */
    @WithDefault("PT10S")
    Duration ejectionInterval();

    /** How long such a replica is not called the first time; longer each time. */
    @WithDefault("PT30S")
    Duration ejectionTime();

    /**
     * How long it takes until a replica that has just come gets as many calls as the others; zero:
     * at once.
     */
    @WithDefault("PT10S")
    Duration slowStart();
  }

  /** PostgreSQL. */
  interface DatabaseProperties {
    /** {@code jdbc:postgresql://host:port/database}; absent: an embedded one in the data folder. */
    Optional<String> url();

    /** The user at the URL. */
    @WithDefault("ballast")
    String user();

    /** The user's password; absent: none. */
    Optional<String> password();

    /** The most connections of each service. */
    @WithDefault("8")
    int maxConnections();

    /** How long a call waits for a connection before it fails. */
    @WithDefault("PT2S")
    Duration connectTimeout();

    /** How long it may say nothing to a statement before its connection counts as dead. */
    @WithDefault("PT30S")
    Duration answerTimeout();
  }

  /** Events. */
  interface EventProperties {
    /** Kafka. */
    KafkaProperties kafka();

    /** How long events wait at most for a look for them. */
    @WithDefault("PT0.5S")
    Duration interval();
  }

  /** A topic in Kafka. */
  interface KafkaProperties {
    /** Brokers, {@code host:port} each; absent: nobody is told. */
    Optional<List<String>> servers();

    /** The topic. */
    @WithDefault("ballast.events")
    String topic();

    /** How long the brokers may take for an event before it is tried again. */
    @WithDefault("PT10S")
    Duration patience();

    /** Properties of Kafka's producer, such as {@code "security.protocol"}. */
    Map<String, String> properties();
  }

  /** Traces, and metrics beside those that {@code /q/metrics} shows. */
  interface TelemetryProperties {
    /** An OTLP collector over gRPC, such as {@code http://localhost:4317}; absent: none. */
    Optional<String> otlpEndpoint();

    /** The share of traces that are kept, 0 to 1; a caller's own decision wins. */
    @WithDefault("1.0")
    double sampledRatio();

    /** How many of the last spans the process keeps for the console. */
    @WithDefault("1024")
    int recentSpans();

    /** How often the collector is sent what the metrics are by then. */
    @WithDefault("PT15S")
    Duration metricsInterval();

    /** How the collector is sent histograms: {@code exponential} or {@code explicit}. */
    @WithDefault("exponential")
    TelemetrySettings.Histograms histograms();
  }
}
