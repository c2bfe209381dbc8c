package io.ballast.reward.component;

import io.ballast.kit.resilience.PeerSettings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How a remote reward is asked.
 *
 * @param target {@code http://…}, {@code https://…}, or {@code host:port} of a RewardService
 * @param timeout of one call; a caller's deadline that leaves less wins
 * @param inFlight calls at once; one more is refused
 * @param batchItems of one call, ≥ 1
 * @param tokenFile holds the bearer token that it demands; absent, as the next: none
 * @param tokenVariable names the environment variable that does
 * @param tls whether the connection to a RewardService is encrypted; it must prove its host
 * @param trustedFile PEM of the authorities that are believed then; absent: those of this Java
 */
public record RemoteSettings(
    String target,
    Duration timeout,
    int inFlight,
    int batchItems,
    Optional<Path> tokenFile,
    Optional<String> tokenVariable,
    boolean tls,
    Optional<Path> trustedFile) {
  private static final int FAILURE_PERCENT = 50;
  private static final int WINDOW_CALLS = 8;
  private static final Duration OPEN = Duration.ofSeconds(2);
  private static final int MOST_BYTES = 16 << 20;

  /** Whether it speaks HTTP. */
  public boolean isHttp() {
    return target.startsWith("http://") || target.startsWith("https://");
  }

  /** Whether nobody on the way reads along. */
  public boolean isEncrypted() {
    return tls || target.startsWith("https://");
  }

  /** The name or address of the machine that it is on. */
  public String host() {
    return isHttp()
        ? String.valueOf(URI.create(target).getHost())
        : target.substring(0, target.lastIndexOf(':'));
  }

  /** The same as a peer: its breaker opens for 2 s when half of 8 calls failed. */
  public PeerSettings peer() {
    return new PeerSettings(timeout, inFlight, FAILURE_PERCENT, WINDOW_CALLS, OPEN, MOST_BYTES);
  }
}
