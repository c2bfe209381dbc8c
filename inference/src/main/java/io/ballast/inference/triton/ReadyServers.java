package io.ballast.inference.triton;

import io.grpc.Attributes;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses of those servers that have all models ready, as a name that resolves to them:
 * grpc-java balances over what it is told here. Hosts are looked up in the same rounds in which
 * servers are asked, never on a channel's own thread.
 */
final class ReadyServers extends NameResolverProvider implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReadyServers.class);
  private static final String HOST_NOT_KNOWN = "the host is not known";
  private static final Duration CLOSING = Duration.ofSeconds(2);
  private static final Comparator<Server> BY_TEXT = Comparator.comparing(Server::toString);

  private final List<ServerAddress> names;
  private final ReadyCheck check;
  private final KServeSettings settings;
  private final HostLookup hosts;
  private final ScheduledExecutorService timer;
  private final ExecutorService probes = Executors.newVirtualThreadPerTaskExecutor();
  private final AskedServers<Server> connections;
  private final List<Resolver> resolvers = new CopyOnWriteArrayList<>();
  private final AtomicBoolean refreshing = new AtomicBoolean();
  private volatile @Nullable Outcome latest;
  private volatile Runnable reconnect = () -> {};

  /**
   * Begins to ask.
   *
   * @param check whether a server may be sent calls
   * @param settings with one connection
   */
  ReadyServers(
      List<ServerAddress> names, ReadyCheck check, KServeSettings settings, HostLookup hosts) {
    this.names = names;
    this.check = check;
    this.settings = settings;
    this.hosts = hosts;
    this.connections =
        new AskedServers<>(server -> KServeConnection.open(server.at(), server.name(), settings));
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("kserve-ready").factory());
    var unused =
        timer.scheduleWithFixedDelay(
            () -> round(false), 0, settings.readyInterval().toNanos(), TimeUnit.NANOSECONDS);
  }

  /** One address of a host. */
  private record Server(ServerAddress name, InetSocketAddress at) {
    @Override
    public String toString() {
      String numbers = at.getAddress().getHostAddress();
      return numbers.equals(name.host()) ? name.toString() : name + " (" + numbers + ")";
    }
  }

  /**
   * Which servers are ready, and why the others are not.
   *
   * @param others each with its address, for operators
   * @param whyNot the reasons alone, for callers
   */
  private record Outcome(List<Server> ready, String others, String whyNot) {}

  /** Has {@code action} run whenever other servers have become ready; it must not block. */
  void onReady(Runnable action) {
    reconnect = action;
  }

  /** Returns why no server is ready, as far as it is known by now; empty if one is. */
  Optional<String> noneReady() {
    Outcome outcome = latest;
    if (outcome == null) {
      return Optional.of("not asked yet");
    }
    return outcome.ready().isEmpty() ? Optional.of(outcome.others()) : Optional.empty();
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return new Resolver(args.getSynchronizationContext());
  }

  @Override
  public void close() {
    timer.shutdownNow();
    probes.shutdownNow();
    try {
      boolean ended =
          timer.awaitTermination(CLOSING.toNanos(), TimeUnit.NANOSECONDS)
              && probes.awaitTermination(CLOSING.toNanos(), TimeUnit.NANOSECONDS);
      if (!ended) {
        LOG.warn("still being asked whether they are ready: {}", connections.servers());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    connections.close();
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 5;
  }

  @Override
  public String getDefaultScheme() {
    return "ready";
  }

  /**
   * Asks all servers, and tells the channels what has changed.
   *
   * @param asked whether channels are told in any case: they have asked
   */
  private void round(boolean asked) {
    try {
      Outcome before = latest;
      Outcome now = probe();
      latest = now;
      boolean changed = before == null || !before.ready().equals(now.ready());
      if (changed) {
        LOG.info("ready: {}{}", now.ready(), now.others().isEmpty() ? "" : "; not " + now.others());
      }
      if (changed || asked) {
        resolvers.forEach(resolver -> resolver.tell(now));
      }
      if (changed && !now.ready().isEmpty()) {
        reconnect.run();
      }
    } catch (RuntimeException e) {
      if (!timer.isShutdown()) {
        LOG.error("which servers are ready is not known; asked again", e);
      }
    }
  }

  /** Asks all servers at once, so that one that hangs keeps nobody waiting but this round. */
  private Outcome probe() {
    Map<ServerAddress, CompletableFuture<Optional<List<Server>>>> lookups = new LinkedHashMap<>();
    for (ServerAddress name : names) {
      lookups.put(
          name,
          CompletableFuture.supplyAsync(() -> lookUp(name), probes)
              .completeOnTimeout(
                  Optional.empty(), settings.controlDeadline().toNanos(), TimeUnit.NANOSECONDS));
    }
    List<String> others = new ArrayList<>();
    Set<String> whyNot = new LinkedHashSet<>();
    Map<Server, CompletableFuture<String>> answers = new LinkedHashMap<>();
    lookups.forEach(
        (name, lookup) -> {
          List<Server> servers = lookup.join().orElseGet(() -> known(name));
          if (servers.isEmpty()) {
            others.add(name + ": " + HOST_NOT_KNOWN);
            whyNot.add(HOST_NOT_KNOWN);
          }
          for (Server server : servers) {
            answers.put(server, CompletableFuture.supplyAsync(() -> notReady(server), probes));
          }
        });
    List<Server> ready = new ArrayList<>();
    answers.forEach(
        (server, answer) -> {
          String why = answer.join();
          if (why.isEmpty()) {
            ready.add(server);
          } else {
            others.add(server + ": " + why);
            whyNot.add(why);
          }
        });
    for (Server server : connections.servers()) {
      if (!answers.containsKey(server)) {
        connections.forget(server);
      }
    }
    return new Outcome(List.copyOf(ready), String.join("; ", others), String.join("; ", whyNot));
  }

  /** Returns the servers behind a name; empty if it cannot be looked up now. */
  private Optional<List<Server>> lookUp(ServerAddress name) {
    try {
      return Optional.of(
          Arrays.stream(hosts.addresses(name.host()))
              .map(address -> new Server(name, new InetSocketAddress(address, name.port())))
              .sorted(BY_TEXT) // name servers turn them round each time
              .toList());
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
  }

  /** Those that a name meant the last time: they are there even while names are not looked up. */
  private List<Server> known(ServerAddress name) {
    return connections.servers().stream()
        .filter(server -> server.name().equals(name))
        .sorted(BY_TEXT)
        .toList();
  }

  /** Returns why the server is not ready; empty if it is. */
  private String notReady(Server server) {
    try {
      return check.lacks(connections.client(server)).orElse("");
    } catch (TritonException e) {
      return String.valueOf(e.getMessage());
    } catch (RuntimeException e) {
      LOG.debug("{} could not be asked", server, e);
      return "it could not be asked, " + e.getClass().getSimpleName();
    }
  }

  private final class Resolver extends NameResolver {
    private final SynchronizationContext channel;
    private @Nullable Listener2 listener;

    Resolver(SynchronizationContext channel) {
      this.channel = channel;
    }

    @Override
    public String getServiceAuthority() {
      return "kserve";
    }

    @Override
    public void start(Listener2 told) {
      listener = told;
      resolvers.add(this);
      Outcome outcome = latest;
      if (outcome != null) {
        tell(outcome);
      }
    }

    /** Looks again, once for all who ask meanwhile, and tells them even what they know. */
    @Override
    public void refresh() {
      if (refreshing.compareAndSet(false, true)) {
        try {
          timer.execute(
              () -> {
                refreshing.set(false);
                round(true);
              });
        } catch (RejectedExecutionException e) {
          LOG.debug("not asked again: the fleet is closed");
        }
      }
    }

    @Override
    public void shutdown() {
      resolvers.remove(this);
      channel.execute(() -> listener = null);
    }

    void tell(Outcome outcome) {
      channel.execute(
          () -> {
            if (listener != null) {
              listener.onResult(
                  ResolutionResult.newBuilder().setAddressesOrError(groups(outcome)).build());
            }
          });
    }

    private StatusOr<List<EquivalentAddressGroup>> groups(Outcome outcome) {
      if (outcome.ready().isEmpty()) {
        return StatusOr.fromStatus(
            Status.UNAVAILABLE.withDescription("no server is ready; " + outcome.whyNot()));
      }
      return StatusOr.fromValue(outcome.ready().stream().map(Resolver::group).toList());
    }

    /** A server of its own, which must prove the name that it was given by. */
    private static EquivalentAddressGroup group(Server server) {
      return new EquivalentAddressGroup(
          server.at(),
          Attributes.newBuilder()
              .set(EquivalentAddressGroup.ATTR_AUTHORITY_OVERRIDE, server.name().toString())
              .build());
    }
  }
}
