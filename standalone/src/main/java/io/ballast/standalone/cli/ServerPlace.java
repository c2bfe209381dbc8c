package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a server is.
 *
 * @param grpc {@code host:port}
 * @param http {@code host:port}, of health and metrics
 */
record ServerPlace(Role role, String grpc, String http) {
  private static final Pattern GIVEN =
      Pattern.compile("(?<role>[a-z-]+)=(?<host>.+):(?<grpc>\\d{1,5}):(?<http>\\d{1,5})");

  /** Reads {@code reward-server=host:9100:9180}; empty if it is not written so. */
  static Optional<ServerPlace> parse(String text) {
    Matcher given = GIVEN.matcher(text);
    if (!given.matches()) {
      return Optional.empty();
    }
    return Arrays.stream(Role.values())
        .filter(role -> role.label().equals(given.group("role")))
        .findFirst()
        .map(
            role ->
                new ServerPlace(
                    role,
                    given.group("host") + ":" + given.group("grpc"),
                    given.group("host") + ":" + given.group("http")));
  }

  /** The service by which the server of a role is known. */
  static String service(Role role) {
    return switch (role) {
      case POLICY_SERVER -> PolicyServiceGrpc.SERVICE_NAME;
      case REWARD_SERVER -> RewardServiceGrpc.SERVICE_NAME;
      case SAFETY_SERVER -> SafetyServiceGrpc.SERVICE_NAME;
      case ORCHESTRATOR -> RunServiceGrpc.SERVICE_NAME;
    };
  }

  /** The host of both. */
  String host() {
    return grpc.substring(0, grpc.lastIndexOf(':'));
  }

  /** The port of gRPC. */
  int port() {
    return Integer.parseInt(grpc.substring(grpc.lastIndexOf(':') + 1));
  }
}
