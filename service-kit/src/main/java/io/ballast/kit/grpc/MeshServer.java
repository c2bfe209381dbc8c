package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.AdaptiveLimit;
import io.ballast.kit.resilience.LimitSettings;
import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.kit.security.TlsIdentity;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gRPC server on Netty with what every server needs: health, reflection, request ids, a deadline
 * floor, a bound of the memory that requests take, an end for requests that do not become whole,
 * traces, metrics, an access log, and a drain that loses no call.
 *
 * <p>Service methods run on the event loop and must hand work that may block to {@link Replies}.
 */
public final class MeshServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MeshServer.class);

  /**
   * What a connection may send before it is read. gRPC would let it grow to eight times as much; a
   * stream that is held by its server keeps so much of memory that nobody counts.
   */
  private static final int WINDOW_BYTES = 1 << 20;

  /** For the last bytes of the last answers to leave. */
  private static final Duration GOODBYE = Duration.ofMillis(200);

  /**
   * When a connection counts as dead: a client that vanished without a word would keep its calls,
   * its watches and its place among the connections for as long as TCP waits for it.
   *
   * @param time without a byte from the client, after which it is pinged, &gt; 0
   * @param timeout how long it may take to answer the ping, &gt; 0
   */
  record KeepAlive(Duration time, Duration timeout) {
    static final KeepAlive USUAL = new KeepAlive(Duration.ofSeconds(30), Duration.ofSeconds(10));
  }

  private final Server server;
  private final Inside inside;
  private final HealthStatusManager health;
  private final DrainGate gate;
  private final RefusedCalls refused;
  private final UnfinishedRequests unfinished;
  private final ExpiringStreams streams;
  private final OpenConnections connections;
  private final Duration drain;
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final AtomicBoolean drained = new AtomicBoolean();

  private MeshServer(
      Server server,
      Inside inside,
      HealthStatusManager health,
      DrainGate gate,
      RefusedCalls refused,
      UnfinishedRequests unfinished,
      ExpiringStreams streams,
      OpenConnections connections,
      Duration drain) {
    this.server = server;
    this.inside = inside;
    this.health = health;
    this.gate = gate;
    this.refused = refused;
    this.unfinished = unfinished;
    this.streams = streams;
    this.connections = connections;
    this.drain = drain;
  }

  /**
   * How a server is reached and what it allows.
   *
   * @param host the address to listen on, such as 127.0.0.1 or 0.0.0.0
   * @param port 0 to 65535; 0: any free one
   * @param maxMessageBytes the longest message taken, &gt; 0
   * @param deadlineFloor a call with less time left is refused at once
   * @param drain how long calls may take to end at a stop
   * @param reflection whether clients may list the services
   * @param bearerToken what every call must carry; empty: nothing
   * @param maxHeldBytes of memory that the requests of known callers take at once, eight times the
   *     longest message at the least; one message may take half of it
   */
  public record Options(
      String host,
      int port,
      int maxMessageBytes,
      Duration deadlineFloor,
      Duration drain,
      boolean reflection,
      Optional<String> bearerToken,
      long maxHeldBytes) {
    private static final int LEAST_HELD_MESSAGES = 8;
    private static final long LEAST_USUAL_HELD = 128L << 20;
    private static final int USUAL_SHARE_OF_HEAP = 3;

    /** As the other, with the usual memory for requests. */
    public Options(
        String host,
        int port,
        int maxMessageBytes,
        Duration deadlineFloor,
        Duration drain,
        boolean reflection,
        Optional<String> bearerToken) {
      this(
          host,
          port,
          maxMessageBytes,
          deadlineFloor,
          drain,
          reflection,
          bearerToken,
          usualHeldBytes(maxMessageBytes));
    }

    /** A third of the heap; eight of the longest messages, and 128 MiB, at the least. */
    public static long usualHeldBytes(int maxMessageBytes) {
      return usualHeldBytes(maxMessageBytes, Runtime.getRuntime().maxMemory());
    }

    /** Eight of the longest messages: one of them, with its objects, may take half. */
    public static long leastHeldBytes(int maxMessageBytes) {
      return (long) LEAST_HELD_MESSAGES * maxMessageBytes;
    }

    static long usualHeldBytes(int maxMessageBytes, long heapBytes) {
      return Math.max(
          heapBytes / USUAL_SHARE_OF_HEAP,
          Math.max(LEAST_USUAL_HELD, leastHeldBytes(maxMessageBytes)));
    }

    /** Checks the ranges. */
    public Options {
      if (port < 0 || port > 65_535) {
        throw new MeshException(
            Fault.MALFORMED_REQUEST,
            "port: %d (allowed: 0 to 65535)".formatted(port),
            Map.of("port", Integer.toString(port)));
      }
      if (maxMessageBytes < 1) {
        throw new MeshException(
            Fault.MALFORMED_REQUEST,
            "max message size: %,d bytes (allowed: > 0)".formatted(maxMessageBytes),
            Map.of("max_message_bytes", Integer.toString(maxMessageBytes)));
      }
      long leastHeld = leastHeldBytes(maxMessageBytes);
      if (maxHeldBytes < leastHeld) {
        throw new MeshException(
            Fault.MALFORMED_REQUEST,
            "memory for requests: %,d bytes (allowed: eight times the longest message or more, %,d)"
                .formatted(maxHeldBytes, leastHeld),
            Map.of("max_held_bytes", Long.toString(maxHeldBytes)));
      }
    }

    /** These on another port. */
    public Options at(int other) {
      return new Options(
          host,
          other,
          maxMessageBytes,
          deadlineFloor,
          drain,
          reflection,
          bearerToken,
          maxHeldBytes);
    }

    /** Loopback, 16 MiB, a floor of 1 ms, a drain of 10 s, reflection on, no token. */
    public static Options loopback(int port) {
      return new Options(
          "127.0.0.1",
          port,
          16 << 20,
          Duration.ofMillis(1),
          Duration.ofSeconds(10),
          true,
          Optional.empty());
    }
  }

  /**
   * Starts a server; its health says SERVING, overall and for each service.
   *
   * @throws MeshException PRECONDITION_FAILED if the port cannot be had
   */
  public static MeshServer start(
      Options options,
      List<BindableService> services,
      MeterRegistry meters,
      OpenTelemetry telemetry,
      LongSupplier nanoTime) {
    return start(
        options,
        EdgeSecurity.token(options.bearerToken()),
        Optional.empty(),
        services,
        meters,
        telemetry,
        nanoTime);
  }

  /**
   * As {@link #start(Options, List, MeterRegistry, OpenTelemetry, LongSupplier)}.
   *
   * @param security who may call, in place of the options' token; stays its owner's
   * @param limits between what bounds the calls under way of each server are; empty: none
   */
  public static MeshServer start(
      Options options,
      EdgeSecurity security,
      Optional<LimitSettings> limits,
      List<BindableService> services,
      MeterRegistry meters,
      OpenTelemetry telemetry,
      LongSupplier nanoTime) {
    return start(options, security, KeepAlive.USUAL, limits, services, meters, telemetry, nanoTime);
  }

  static MeshServer start(
      Options options,
      EdgeSecurity security,
      KeepAlive keepAlive,
      Optional<LimitSettings> limits,
      List<BindableService> services,
      MeterRegistry meters,
      OpenTelemetry telemetry,
      LongSupplier nanoTime) {
    HealthStatusManager health = new HealthStatusManager();
    HeldRequests held = new HeldRequests(options.maxHeldBytes(), meters);
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(options.host(), options.port()))
            .directExecutor()
            .maxInboundMessageSize(options.maxMessageBytes())
            .flowControlWindow(WINDOW_BYTES)
            .addStreamTracerFactory(held)
            .keepAliveTime(keepAlive.time().toNanos(), TimeUnit.NANOSECONDS)
            .keepAliveTimeout(keepAlive.timeout().toNanos(), TimeUnit.NANOSECONDS)
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .addService(
                LenientRequests.of(
                    ServerInterceptors.intercept(
                        health.getHealthService(),
                        new HealthWatches(security.connections().maxWatches(), meters)),
                    held));
    secure(builder, security);
    DrainGate gate = new DrainGate();
    RefusedCalls refused = new RefusedCalls(nanoTime);
    UnfinishedRequests unfinished = new UnfinishedRequests(nanoTime, refused);
    OpenConnections connections = new OpenConnections(security.connections(), refused, meters);
    connections.of(builder);
    ExpiringStreams streams = new ExpiringStreams(security.identities(), connections);
    List<ServerInterceptor> passed =
        interceptors(
                options,
                new Doorkeeper(security, streams),
                gate,
                refused,
                unfinished,
                held,
                meters,
                telemetry,
                nanoTime)
            .reversed();
    passed.forEach(builder::intercept);
    List<String> names = new ArrayList<>();
    List<ServerServiceDefinition> served = new ArrayList<>();
    Map<String, Optional<AdaptiveLimit>> limitOf = new HashMap<>();
    for (BindableService service : services) {
      ServerServiceDefinition definition = service.bindService();
      String name = definition.getServiceDescriptor().getName();
      String of = Admission.serverOf(name);
      Optional<AdaptiveLimit> limit =
          limitOf.computeIfAbsent(
              of, first -> limits.map(given -> new AdaptiveLimit(of, given, nanoTime, meters)));
      names.add(name);
      served.add(
          LenientRequests.of(
              ServerInterceptors.interceptForward(
                  definition, new TenantFence(), new Admission(of, limit, meters)),
              held));
    }
    served.forEach(builder::addService);
    if (options.reflection()) {
      builder.addService(
          LenientRequests.of(
              ServerInterceptors.intercept(ProtoReflectionServiceV1.newInstance()), held));
    }
    Server server = bind(builder, options, connections);
    names.forEach(name -> health.setStatus(name, ServingStatus.SERVING));
    refused.start();
    unfinished.start();
    streams.start();
    LOG.info("serving {} on {}:{}", names, options.host(), server.getPort());
    return new MeshServer(
        server,
        Inside.open(passed, served),
        health,
        gate,
        refused,
        unfinished,
        streams,
        connections,
        options.drain());
  }

  private static void secure(NettyServerBuilder builder, EdgeSecurity security) {
    ConnectionLimits limits = security.connections();
    builder
        .maxInboundMetadataSize(limits.maxHeaderBytes())
        .maxConcurrentCallsPerConnection(limits.maxCalls())
        .maxRstFramesPerWindow(
            limits.maxResets(), Math.toIntExact(ConnectionLimits.RESET_WINDOW.toSeconds()))
        .handshakeTimeout(limits.handshake().toNanos(), TimeUnit.NANOSECONDS);
    limits
        .maxAge()
        .ifPresent(
            age ->
                builder
                    .maxConnectionAge(age.toNanos(), TimeUnit.NANOSECONDS)
                    .maxConnectionAgeGrace(limits.maxAgeGrace().toNanos(), TimeUnit.NANOSECONDS));
    security.tls().map(TlsIdentity::forCallers).ifPresent(builder::sslContext);
  }

  /** The port that it listens on. */
  public int port() {
    return server.getPort();
  }

  /**
   * A channel within this process, for what speaks to callers in another protocol. Its calls pass
   * all that calls over the network pass, so they need the token too and are drained as those are;
   * health and reflection are not there.
   */
  public Channel inside() {
    return inside.channel();
  }

  /**
   * Has the log told, as it is of calls, of a request that this process refused in another protocol
   * before it came to a call.
   *
   * @param reason in a word
   * @param path what was asked for, one of a few
   * @param from whose request it was; empty: not known
   * @param message what it was told
   */
  public void tellRefused(String reason, String path, Optional<InetAddress> from, String message) {
    refused.count(
        new RefusedCalls.Kind(reason, path, "-"),
        new RefusedCalls.Example(
            "-",
            from.map(address -> Doorkeeper.from(new InetSocketAddress(address, 0))).orElse("-"),
            "-",
            message));
  }

  /** Says NOT_SERVING from now on, so that balancers look elsewhere; calls are still taken. */
  public void stopServing() {
    if (stopping.compareAndSet(false, true)) {
      health.enterTerminalState();
    }
  }

  /** How many calls are under way; health checks and calls of this process are not counted. */
  public int callsUnderWay() {
    return gate.underWay();
  }

  /**
   * Refuses new calls and waits for those under way, at most as long as a drain may take; then ends
   * what is left: its callers are told UNAVAILABLE, the work for it is cancelled. Calls from
   * servers of this process are still taken: those under way may need them. Does nothing twice.
   */
  public void drain() {
    stopServing();
    if (!drained.compareAndSet(false, true)) {
      return;
    }
    try {
      if (!gate.close(drain)) {
        int ended =
            gate.endAwaited(
                new MeshException(
                    Fault.DEPENDENCY_DOWN,
                    "the server is shutting down; what was not answered within %s is ended"
                        .formatted(drain),
                    Map.of("drain", drain.toString())));
        LOG.warn("{} calls were still under way after {}; they are ended", ended, drain);
        gate.close(GOODBYE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Drains, then ends what is left, such as clients that watch health, and every connection. */
  @Override
  public void close() {
    drain();
    server.shutdown();
    gate.endAll(new MeshException(Fault.DEPENDENCY_DOWN, "the server is shutting down", Map.of()));
    inside.close();
    try {
      if (!server.awaitTermination(GOODBYE.toNanos(), TimeUnit.NANOSECONDS)) {
        server.shutdownNow(); // clients that do not read would stay for ever
        server.awaitTermination(1, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    connections.close();
    unfinished.close();
    streams.close();
    refused.close();
  }

  /** The way in that does not lead over the network. */
  private record Inside(Server server, ManagedChannel channel) {
    /**
     * @param passed what each call passes, innermost first
     */
    static Inside open(List<ServerInterceptor> passed, List<ServerServiceDefinition> served) {
      String name = InProcessServerBuilder.generateName();
      InProcessServerBuilder builder = InProcessServerBuilder.forName(name).directExecutor();
      passed.forEach(builder::intercept);
      served.forEach(builder::addService);
      try {
        return new Inside(builder.build().start(), InProcessChannelBuilder.forName(name).build());
      } catch (IOException e) {
        throw new UncheckedIOException(e); // it has no port that another could have
      }
    }

    void close() {
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  /** Outermost first: metrics see what the inner ones refuse, all of them know the request id. */
  private static List<ServerInterceptor> interceptors(
      Options options,
      Doorkeeper door,
      DrainGate gate,
      RefusedCalls refused,
      UnfinishedRequests unfinished,
      HeldRequests held,
      MeterRegistry meters,
      OpenTelemetry telemetry,
      LongSupplier nanoTime) {
    List<ServerInterceptor> list = new ArrayList<>();
    list.add(ServerEdge.requestId(() -> UUID.randomUUID().toString()));
    list.add(CallSpans.of(telemetry).newServerInterceptor());
    list.add(ServerEdge.metrics(meters, nanoTime, refused));
    list.add(gate);
    list.add(ServerEdge.deadlineFloor(options.deadlineFloor(), refused));
    list.add(unfinished);
    list.add(door);
    list.add(held);
    return list;
  }

  private static Server bind(
      NettyServerBuilder builder, Options options, OpenConnections connections) {
    try {
      return builder.build().start();
    } catch (IOException e) {
      connections.close();
      boolean inUse = e instanceof BindException || e.getCause() instanceof BindException;
      String message =
          inUse
              ? "port %d is in use; choose another with --port or stop what listens there"
                  .formatted(options.port())
              : "cannot listen on %s:%d: %s"
                  .formatted(options.host(), options.port(), e.getMessage());
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          message,
          Map.of("host", options.host(), "port", Integer.toString(options.port())));
    }
  }
}
