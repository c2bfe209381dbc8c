package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.Attributes;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks up one peer's configured addresses, again whenever a connection fails or is to be tried
 * again. A channel hears of what is new alone: whatever it hears makes it forget what it counted of
 * its replicas.
 */
final class PeerAddresses extends NameResolverProvider {
  private static final Logger LOG = LoggerFactory.getLogger(PeerAddresses.class);

  private final String peer;
  private final List<Address> addresses;

  private PeerAddresses(String peer, List<Address> addresses) {
    this.peer = peer;
    this.addresses = addresses;
  }

  /**
   * Reads addresses.
   *
   * @param peer its name in messages
   * @param addresses {@code host:port} each, at least one
   * @throws MeshException MALFORMED_REQUEST, naming an address that is none
   */
  static PeerAddresses parse(String peer, List<String> addresses) {
    List<Address> parsed = addresses.stream().map(Address::parse).toList();
    if (parsed.isEmpty()) {
      throw new MeshException(Fault.MALFORMED_REQUEST, peer + ": no address (expected: host:port)");
    }
    return new PeerAddresses(peer, parsed);
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return new Resolver(peer, addresses, args);
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
    return "ballast";
  }

  /** Where one replica, or a name that stands for several, is. */
  private record Address(String host, int port) {
    static Address parse(String address) {
      int colon = address.lastIndexOf(':');
      try {
        int port = Integer.parseInt(address.substring(colon + 1));
        if (colon > 0 && port > 0 && port <= 65_535) {
          return new Address(address.substring(0, colon), port);
        }
      } catch (NumberFormatException e) {
        // named below, with everything else that is no address
      }
      throw new MeshException(
          Fault.MALFORMED_REQUEST,
          "peer address: %s (expected: host:port)".formatted(address),
          Map.of("address", address));
    }

    /** Every replica behind the host's name. */
    Stream<EquivalentAddressGroup> lookUp() throws UnknownHostException {
      return Arrays.stream(InetAddress.getAllByName(host))
          .map(
              ip ->
                  new EquivalentAddressGroup(
                      new InetSocketAddress(ip, port),
                      Attributes.newBuilder()
                          .set(EquivalentAddressGroup.ATTR_AUTHORITY_OVERRIDE, host)
                          .build()));
    }
  }

  /** Looks names up on grpc's own executor, since that may block. */
  private static final class Resolver extends NameResolver {
    private final String peer;
    private final List<Address> addresses;
    private final SynchronizationContext channel;
    private final Executor lookUps;
    private @Nullable Listener2 listener; // and what follows: of the channel's own thread
    private Set<EquivalentAddressGroup> told = Set.of();
    private boolean looking;

    Resolver(String peer, List<Address> addresses, NameResolver.Args args) {
      this.peer = peer;
      this.addresses = addresses;
      this.channel = args.getSynchronizationContext();
      this.lookUps = Objects.requireNonNullElse(args.getOffloadExecutor(), Runnable::run);
    }

    @Override
    public String getServiceAuthority() {
      return peer;
    }

    @Override
    public void start(Listener2 by) {
      listener = by;
      refresh();
    }

    @Override
    public void refresh() {
      if (listener != null && !looking) { // else a slow name server would hold ever more threads
        looking = true;
        lookUps.execute(
            () -> {
              StatusOr<List<EquivalentAddressGroup>> found = lookUp();
              channel.execute(() -> tell(found));
            });
      }
    }

    private void tell(StatusOr<List<EquivalentAddressGroup>> found) {
      looking = false;
      Listener2 hears = listener;
      Set<EquivalentAddressGroup> now =
          found.hasValue() ? Set.copyOf(Objects.requireNonNull(found.getValue())) : Set.of();
      if (hears != null && (now.isEmpty() || !now.equals(told))) {
        told = now;
        hears.onResult(ResolutionResult.newBuilder().setAddressesOrError(found).build());
      }
    }

    private StatusOr<List<EquivalentAddressGroup>> lookUp() {
      List<EquivalentAddressGroup> found = new ArrayList<>();
      for (Address address : addresses) {
        try {
          address.lookUp().forEach(found::add);
        } catch (UnknownHostException | RuntimeException e) { // the next look may succeed
          LOG.debug("{}: host {} is unknown: {}", peer, address.host(), e.toString());
        }
      }
      return found.isEmpty()
          ? StatusOr.fromStatus( // callers hear it: where the hosts would be is for the log alone
              Status.UNAVAILABLE.withDescription("none of its hosts is known"))
          : StatusOr.fromValue(found);
    }

    @Override
    public void shutdown() {
      listener = null;
    }
  }
}
