package io.ballast.loadtest;

import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.TargetAddress;
import io.ballast.loadtest.run.MeshPlace;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the mesh that is loaded listens. */
final class TargetOptions {
  private static final int RUN_CHARACTERS = 8;

  @Option(
      names = "--target",
      defaultValue = "${env:BALLAST_TARGET:-127.0.0.1:9100}",
      paramLabel = "HOST:PORT",
      description = "Where the mesh listens (default: 127.0.0.1:9100, or $$BALLAST_TARGET).")
  private String target = "";

  @Option(
      names = "--reward-target",
      paramLabel = "HOST:PORT",
      description = "Where the reward-server listens, if not there too.")
  private @Nullable String rewardTarget;

  @Option(
      names = "--allow-remote",
      description = "Allow a target on another machine, which somebody else may be using.")
  private boolean allowRemote;

  /**
   * The server that suggests and takes feedback.
   *
   * @throws IllegalArgumentException naming the option
   */
  TargetAddress policy() {
    return address("target", target);
  }

  /**
   * The server that scores.
   *
   * @throws IllegalArgumentException naming the option
   */
  TargetAddress reward() {
    return rewardTarget == null ? policy() : address("reward-target", rewardTarget);
  }

  /**
   * Both, with what calls show, and a name that no other load has.
   *
   * @throws IllegalArgumentException naming the option
   */
  MeshPlace place(Credentials credentials) {
    return new MeshPlace(
        policy(), reward(), credentials, UUID.randomUUID().toString().substring(0, RUN_CHARACTERS));
  }

  private TargetAddress address(String option, String text) {
    try {
      TargetAddress address = TargetAddress.parse(text);
      if (allowRemote || address.isLoopback()) {
        return address;
      }
      throw new IllegalArgumentException(
          address + " is another machine; say --allow-remote if it may be loaded");
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(option + ": " + e.getMessage(), e);
    }
  }
}
