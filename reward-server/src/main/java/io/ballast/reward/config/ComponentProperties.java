package io.ballast.reward.config;

import io.ballast.reward.component.JavaTestSettings.Isolation;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What components of composites may use outside of the server: {@code components.*} among its
 * properties. {@link ComponentConfig} checks them.
 */
public interface ComponentProperties {
  /** Rewards that other processes give, by the name that composites call them. */
  Map<String, RemoteProperties> remotes();

  /** Unit tests of completions. */
  JavaTestProperties javaTests();

  /** One remote reward. */
  interface RemoteProperties {
    /** {@code http://…}, {@code https://…}, or {@code host:port} of a RewardService. */
    String target();

    /** How long one call may take. */
    @WithDefault("PT10S")
    Duration timeout();

    /** Calls at once, 1 to 256. */
    @WithDefault("8")
    int inFlight();

    /** Items of one call, 1 to 4,096. */
    @WithDefault("256")
    int batchItems();

    /** A file with the bearer token that it demands. */
    Optional<String> tokenFile();

    /** The environment variable with the bearer token that it demands. */
    Optional<String> tokenVariable();

    /** Whether the connection to a RewardService is encrypted; of a URL its scheme says so. */
    @WithDefault("false")
    boolean tls();

    /** A PEM file of the authorities that are believed then; absent: those of this Java. */
    Optional<String> trustedFile();
  }

  /** How unit tests run. */
  interface JavaTestProperties {
    /** Whether they run at all: they are code that whoever asks for a score may choose. */
    @WithDefault("false")
    boolean enabled();

    /** What keeps them from the rest of the machine. */
    @WithDefault("NAMESPACES")
    Isolation isolation();

    /**
     * Of one process, whole seconds, ≥ 1 s: more, once its tests have begun, is a test that did not
     * pass.
     */
    @WithDefault("PT10S")
    Duration cpuTime();

    /** Of one item on the clock: more is DEADLINE, no value. */
    @WithDefault("PT60S")
    Duration time();

    /** Of its heap, 64 to 65,536. */
    @WithDefault("256")
    int memoryMegabytes();

    /** Of all its processes, 32 to 4,096. */
    @WithDefault("64")
    int threads();

    /** Items that run side by side, ≥ 1; absent: as many as the cores of the process. */
    OptionalInt atOnce();
  }
}
