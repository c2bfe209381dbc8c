package io.ballast.inference.triton;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Several servers of the same models. Calls go to those that say that all models are ready, in turn
 * (grpc-java's round robin); each server is asked again at an interval, and at once when a
 * connection breaks. A host with several addresses is as many servers; its name is looked up each
 * time.
 */
public final class KServeFleet implements AutoCloseable {
  private final List<KServeConnection> servers;
  private final ReadyServers ready;
  private final List<ManagedChannel> channels;
  private final KServeClient client;

  private KServeFleet(
      List<KServeConnection> servers,
      ReadyServers ready,
      List<ManagedChannel> channels,
      KServeSettings settings) {
    this.servers = servers;
    this.ready = ready;
    this.channels = channels;
    this.client = new KServeClient(KServeConnection.inTurn(channels), settings);
  }

  /**
   * Opens the connections to all servers.
   *
   * @param addresses {@code host:port} of each server, at least one
   * @param models those that a server must have ready; none: the server itself must be
   * @throws IllegalArgumentException if there is no address, or one that is none, or the file of
   *     trusted authorities is none
   */
  public static KServeFleet open(
      List<String> addresses, List<ServedModel> models, KServeSettings settings) {
    return open(addresses, models, settings, InetAddress::getAllByName);
  }

  /** As the other, with a check of its own on each server. */
  static KServeFleet open(List<String> addresses, ReadyCheck check, KServeSettings settings) {
    return open(addresses, check, settings, InetAddress::getAllByName);
  }

  static KServeFleet open(
      List<String> addresses, List<ServedModel> models, KServeSettings settings, HostLookup hosts) {
    return open(addresses, ReadyCheck.of(models), settings, hosts);
  }

  @SuppressWarnings("deprecation") // the registry instead would be global: addresses are a fleet's
  private static KServeFleet open(
      List<String> addresses, ReadyCheck check, KServeSettings settings, HostLookup hosts) {
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("servers: none (expected: host:port of each)");
    }
    List<ServerAddress> parsed = addresses.stream().map(ServerAddress::parse).toList();
    KServeSettings one = settings.withConnections(1);
    List<KServeConnection> servers =
        addresses.stream().map(address -> KServeConnection.open(address, one)).toList();
    ReadyServers ready = new ReadyServers(parsed, check, one, hosts);
    List<ManagedChannel> channels =
        KServeConnection.pool(
            settings,
            () ->
                NettyChannelBuilder.forTarget("ready:///kserve")
                    .nameResolverFactory(ready)
                    .defaultServiceConfig(
                        Map.of("loadBalancingConfig", List.of(Map.of("round_robin", Map.of())))));
    ready.onReady(() -> KServeConnection.reconnect(channels));
    return new KServeFleet(servers, ready, channels, settings);
  }

  /** What asks whichever server is ready and next. */
  public KServeClient client() {
    return client;
  }

  /**
   * What asks each address that was given: to load and unload, which each server must do for
   * itself. Give each of them an address of its own where that is to be done.
   */
  public List<KServeClient> servers() {
    return servers.stream().map(KServeConnection::client).toList();
  }

  /** Returns why no server is ready, as far as it is known by now; empty if one is. */
  public Optional<String> noneReady() {
    return ready.noneReady();
  }

  /** Ends calls under way and closes the connections. */
  @Override
  public void close() {
    KServeConnection.close(channels);
    ready.close();
    servers.forEach(KServeConnection::close);
  }
}
