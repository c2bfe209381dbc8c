package io.ballast.inference.triton;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The connections over which servers are asked whether they are ready: one to each, opened when it
 * is first asked. None is left open after {@link #close}, not even one that is being opened by a
 * thread that outlives it.
 *
 * @param <S> a server
 */
final class AskedServers<S> implements AutoCloseable {
  private final Function<S, KServeConnection> open;
  private final Map<S, KServeConnection> connections = new ConcurrentHashMap<>();
  private volatile boolean closed;

  AskedServers(Function<S, KServeConnection> open) {
    this.open = open;
  }

  /**
   * Returns what asks {@code server}; one that was away is connected to again at once.
   *
   * @throws IllegalStateException if all are closed
   */
  KServeClient client(S server) {
    KServeConnection connection = connections.computeIfAbsent(server, open);
    if (closed) { // whichever looks last, this or close, sees the other's doing
      forget(server);
      throw new IllegalStateException("closed");
    }
    connection.reconnect();
    return connection.client();
  }

  /** Those that have been asked and are not forgotten. */
  Set<S> servers() {
    return Set.copyOf(connections.keySet());
  }

  /** Ends calls to {@code server} and closes its connection. */
  void forget(S server) {
    KServeConnection gone = connections.remove(server);
    if (gone != null) {
      gone.close();
    }
  }

  @Override
  public void close() {
    closed = true;
    servers().forEach(this::forget);
  }
}
