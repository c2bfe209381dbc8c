package io.ballast.reward.config;

import io.ballast.reward.component.JavaTestSettings;
import io.ballast.reward.component.RemoteSettings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What components may use outside of the server, checked once.
 *
 * @param remotes by name
 * @param javaTests how unit tests run; empty: they do not
 */
public record ComponentConfig(
    Map<String, RemoteSettings> remotes, Optional<JavaTestSettings> javaTests) {
  private static final String PREFIX = "ballast.reward.components.";

  public ComponentConfig {
    remotes = Map.copyOf(remotes);
    remotes.forEach((name, remote) -> check("remotes.\"%s\".".formatted(name), remote));
    javaTests.ifPresent(ComponentConfig::check);
  }

  private static void check(String prefix, RemoteSettings remote) {
    require(
        prefix.matches("remotes\\.\"[A-Za-z0-9._-]{1,64}\"\\."),
        prefix + "target",
        remote.isHttp() ? "http" : "a RewardService",
        "a name of 1 to 64 of A-Z, a-z, 0-9, '.', '_', '-'");
    require(
        remote.isHttp() ? isUri(remote.target()) : remote.target().matches("[^/@\\s]+:[0-9]{1,5}"),
        prefix + "target",
        remote.target().contains("@") ? "not shown" : remote.target(),
        "http://…, https://… or host:port");
    require(remote.timeout().isPositive(), prefix + "timeout", remote.timeout(), "> 0");
    require(
        remote.inFlight() >= 1 && remote.inFlight() <= 256,
        prefix + "in-flight",
        remote.inFlight(),
        "1 to 256");
    require(
        remote.batchItems() >= 1 && remote.batchItems() <= 4_096,
        prefix + "batch-items",
        remote.batchItems(),
        "1 to 4,096");
    require(
        remote.tokenFile().isEmpty() || remote.tokenVariable().isEmpty(),
        prefix + "token-file",
        remote.tokenFile().map(Path::toString).orElse(""),
        "not beside token-variable");
    require(
        !remote.tls() || !remote.isHttp(),
        prefix + "tls",
        remote.tls(),
        "not of a URL: https:// encrypts");
    require(
        remote.tls() || remote.trustedFile().isEmpty(),
        prefix + "trusted-file",
        remote.trustedFile().map(Path::toString).orElse(""),
        "only with tls");
  }

  private static boolean isUri(String target) {
    try {
      URI uri = URI.create(target);
      return uri.getHost() != null && uri.getUserInfo() == null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static void check(JavaTestSettings tests) {
    String prefix = "java-tests.";
    Duration cpuTime = tests.cpuTime();
    require(
        cpuTime.toSeconds() >= 1 && cpuTime.toNanosPart() == 0,
        prefix + "cpu-time",
        cpuTime,
        "whole seconds, ≥ 1 s");
    require(tests.time().isPositive(), prefix + "time", tests.time(), "> 0");
    require(
        tests.memoryMegabytes() >= 64 && tests.memoryMegabytes() <= 65_536,
        prefix + "memory-megabytes",
        tests.memoryMegabytes(),
        "64 to 65,536");
    require(
        tests.threads() >= 32 && tests.threads() <= 4_096,
        prefix + "threads",
        tests.threads(),
        "32 to 4,096");
    require(tests.atOnce() >= 1, prefix + "at-once", tests.atOnce(), "≥ 1");
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  static ComponentConfig from(ComponentProperties properties) {
    Map<String, RemoteSettings> remotes = new HashMap<>();
    properties
        .remotes()
        .forEach(
            (name, remote) ->
                remotes.put(
                    name,
                    new RemoteSettings(
                        remote.target(),
                        remote.timeout(),
                        remote.inFlight(),
                        remote.batchItems(),
                        remote.tokenFile().map(Path::of),
                        remote.tokenVariable(),
                        remote.tls(),
                        remote.trustedFile().map(Path::of))));
    ComponentProperties.JavaTestProperties tests = properties.javaTests();
    return new ComponentConfig(
        remotes,
        tests.enabled()
            ? Optional.of(
                new JavaTestSettings(
                    tests.isolation(),
                    tests.cpuTime(),
                    tests.time(),
                    tests.memoryMegabytes(),
                    tests.threads(),
                    tests.atOnce().orElse(Runtime.getRuntime().availableProcessors())))
            : Optional.empty());
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          PREFIX + "%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
