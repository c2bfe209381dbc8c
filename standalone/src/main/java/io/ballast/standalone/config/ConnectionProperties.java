package io.ballast.standalone.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/**
 * How many connections of gRPC there may be and what one may take, {@code ballast.connections.*}.
 */
public interface ConnectionProperties {
  /** Connections at once; one more is closed as it comes. */
  @WithDefault("4096")
  int maxOpen();

  /** Streams that watch health at once, of all connections. */
  @WithDefault("4096")
  int maxWatches();

  /** The most that a call's headers may have together. */
  @WithDefault("16K")
  MemorySize maxHeaderSize();

  /** Calls under way at once on one connection; a client keeps more back by itself. */
  @WithDefault("4096")
  int maxCalls();

  /** Calls that a client may reset in 10 s on one connection; one more ends it. */
  @WithDefault("20000")
  int maxResets();

  /** How long a connection may take to be made, TLS included. */
  @WithDefault("PT20S")
  Duration handshake();

  /** After which a connection is made anew; calls under way end on the old one. Absent: never. */
  Optional<Duration> maxAge();

  /**
   * How long calls may take then to end on the old one, and on one whose certificate has expired;
   * what is left is ended.
   */
  @WithDefault("PT10M")
  Duration maxAgeGrace();
}
