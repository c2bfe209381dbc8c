package io.ballast.kit.security;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.proc.SecurityContext;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An identity provider's public keys, read in the background: a call never waits for them. A key
 * that is not among them has them read again soon, for it may be new. Thread-safe.
 */
final class JwtKeys implements JWKSource<SecurityContext>, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(JwtKeys.class);

  private static final int PATIENCE_MILLIS = 5_000;
  private static final int MOST_BYTES = 1 << 20;

  /** An unknown key has the keys read again at most so often. */
  private static final Duration SOON = Duration.ofSeconds(10);

  private final String place;
  private final @Nullable URI url;
  private final ScheduledExecutorService reloads;
  private final AtomicBoolean asked = new AtomicBoolean();
  private volatile @Nullable JWKSet current;

  private JwtKeys(String place, @Nullable URI url) {
    this.place = place;
    this.url = url;
    this.reloads =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("jwt-keys").factory());
  }

  /**
   * Reads keys at {@code place} from now on.
   *
   * @param place a file, which has to be there, or a URL, which may be away for now
   * @throws MeshException PRECONDITION_FAILED if a file cannot be used
   * @throws IllegalArgumentException if it is a URL of another kind
   */
  static JwtKeys open(String place, Duration refresh) {
    JwtKeys keys = new JwtKeys(place, url(place));
    if (keys.url == null) {
      try {
        keys.current = keys.read();
      } catch (IOException | ParseException e) {
        keys.close();
        throw new MeshException(
            Fault.PRECONDITION_FAILED,
            "ballast.security.jwt.keys: %s: cannot be read (expected: a JWK set)".formatted(place),
            e);
      }
    }
    long nanos = refresh.toNanos();
    var unused =
        keys.reloads.scheduleWithFixedDelay(
            keys::reload, keys.url == null ? nanos : 0, nanos, TimeUnit.NANOSECONDS);
    return keys;
  }

  @Override
  public List<JWK> get(JWKSelector selector, @Nullable SecurityContext context) {
    JWKSet keys = current;
    if (keys == null) {
      throw new MeshException(
          Fault.DEPENDENCY_DOWN,
          "the identity provider's keys could not be read yet",
          Map.of("dependency", "identity provider"));
    }
    List<JWK> found = selector.select(keys);
    if (found.isEmpty() && asked.compareAndSet(false, true)) {
      reloads.execute(this::reload);
      var unused = reloads.schedule(() -> asked.set(false), SOON.toMillis(), TimeUnit.MILLISECONDS);
    }
    return found;
  }

  /** The keys of now: the same object as long as they do not change; null: not read yet. */
  @Nullable JWKSet current() {
    return current;
  }

  /**
   * Reads the keys now; those of before stay if that fails, or if they are the same. One read at a
   * time, so that keys that were read earlier never replace those that were read later.
   */
  synchronized void reload() {
    try {
      JWKSet read = read();
      if (!read.equals(current)) {
        current = read;
      }
    } catch (IOException | ParseException | RuntimeException e) {
      LOG.warn(
          "keys of the identity provider at {} cannot be read: {}",
          url == null ? place : url.getHost() + url.getPath(), // a query may have a secret
          e.getClass().getSimpleName());
    }
  }

  @Override
  public void close() {
    reloads.shutdownNow();
  }

  private JWKSet read() throws IOException, ParseException {
    URI from = url;
    JWKSet read =
        from == null
            ? JWKSet.load(Path.of(place).toFile())
            : JWKSet.load(from.toURL(), PATIENCE_MILLIS, PATIENCE_MILLIS, MOST_BYTES);
    return read.toPublicJWKSet(); // without shared secrets, should there be some
  }

  private static @Nullable URI url(String place) {
    if (!place.contains("://")) {
      return null;
    }
    try {
      URI url = URI.create(place);
      if ("https".equals(url.getScheme())
          || "http".equals(url.getScheme()) && isLoopback(String.valueOf(url.getHost()))) {
        return url;
      }
    } catch (IllegalArgumentException e) {
      // named below, with everything else that is no such URL
    }
    throw new IllegalArgumentException(
        "ballast.security.jwt.keys: %s (expected: a file, or https://…)".formatted(place));
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (IOException e) {
      return false;
    }
  }
}
