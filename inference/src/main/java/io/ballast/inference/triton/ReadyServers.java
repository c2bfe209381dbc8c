package io.ballast.inference.triton;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses of those servers that have all models ready, as a name that resolves to them:
 * grpc-java balances over what it is told here.
 */
final class ReadyServers extends NameResolverProvider implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReadyServers.class);

  private final List<ServerAddress> addresses;
  private final List<KServeClient> clients;
  private final List<ServedModel> models;
  private final ScheduledExecutorService timer;
  private final ExecutorService probes = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Resolver> resolvers = new CopyOnWriteArrayList<>();
  private volatile @Nullable Outcome latest;

  ReadyServers(
      List<ServerAddress> addresses,
      List<KServeClient> clients,
      List<ServedModel> models,
      Duration interval) {
    this.addresses = addresses;
    this.clients = clients;
    this.models = List.copyOf(models);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("kserve-ready").factory());
    var unused =
        timer.scheduleWithFixedDelay(this::probe, 0, interval.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Which servers are ready, and why the others are not. */
  private record Outcome(List<ServerAddress> ready, String others) {}

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return new Resolver(args.getSynchronizationContext());
  }

  @Override
  public void close() {
    timer.shutdownNow();
    probes.shutdownNow();
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

  /** Asks all servers at once, so that one that hangs keeps nobody waiting but this round. */
  private void probe() {
    List<CompletableFuture<String>> answers = new ArrayList<>();
    for (KServeClient client : clients) {
      answers.add(CompletableFuture.supplyAsync(() -> notReady(client), probes));
    }
    List<ServerAddress> ready = new ArrayList<>();
    StringBuilder others = new StringBuilder();
    for (int i = 0; i < answers.size(); i++) {
      String why = answers.get(i).join();
      if (why.isEmpty()) {
        ready.add(addresses.get(i));
      } else {
        others.append(others.isEmpty() ? "" : "; ").append(addresses.get(i)).append(": ");
        others.append(why);
      }
    }
    Outcome before = latest;
    Outcome now = new Outcome(List.copyOf(ready), others.toString());
    latest = now;
    if (before == null || !before.ready().equals(now.ready())) {
      LOG.info("ready: {}{}", now.ready(), now.others().isEmpty() ? "" : "; not " + now.others());
      resolvers.forEach(resolver -> resolver.tell(now));
    }
  }

  /** Returns why the server is not ready; empty if it is. */
  private String notReady(KServeClient client) {
    try {
      if (models.isEmpty()) {
        return client.ready() ? "" : "the server is not ready";
      }
      for (ServedModel model : models) {
        if (!client.ready(model)) {
          return KServeClient.subject(model) + " is not ready";
        }
      }
      return "";
    } catch (TritonException e) {
      return String.valueOf(e.getMessage());
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

    @Override
    public void refresh() {
      if (!timer.isShutdown()) {
        timer.execute(ReadyServers.this::probe);
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
            Status.UNAVAILABLE.withDescription("no server is ready; " + outcome.others()));
      }
      return StatusOr.fromValue(
          outcome.ready().stream()
              .map(address -> new EquivalentAddressGroup(address.lookUp()))
              .toList());
    }
  }
}
