package io.ballast.reward.adapter;

import io.ballast.kit.grpc.PeerChannel;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.reward.component.RemoteReward;
import io.ballast.reward.component.RemoteRewards;
import io.ballast.reward.component.RemoteSettings;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The remote rewards that the operator has named; each connects when it is first asked. */
public final class NamedRemotes implements RemoteRewards {
  private final Map<String, RemoteReward> remotes = new HashMap<>();

  /**
   * Reads their tokens; asks nobody.
   *
   * @param environment the value of a variable
   * @param guards makes a breaker for a remote, by its name in messages and metrics
   * @throws IllegalArgumentException if a token is not there, naming its property
   * @throws io.ballast.kit.error.MeshException if an address is none
   */
  public NamedRemotes(
      Map<String, RemoteSettings> settings,
      Function<String, @Nullable String> environment,
      BiFunction<String, RemoteSettings, PeerGuard> guards,
      OpenTelemetry telemetry) {
    settings.forEach(
        (name, each) -> {
          PeerGuard guard = guards.apply("remote:" + name, each);
          Optional<String> token = token(name, each, environment);
          remotes.put(
              name,
              each.isHttp()
                  ? new HttpReward(each, token, guard)
                  : new GrpcReward(
                      guard.peer(),
                      each,
                      PeerChannel.open(
                          List.of(each.target()), guard, each.peer(), token, telemetry)));
        });
  }

  private static Optional<String> token(
      String name, RemoteSettings settings, Function<String, @Nullable String> environment) {
    String property = "ballast.reward.components.remotes.\"%s\".token-".formatted(name);
    if (settings.tokenFile().isPresent()) {
      try {
        return Optional.of(Files.readString(settings.tokenFile().get()).strip())
            .filter(token -> !token.isEmpty())
            .or(
                () -> {
                  throw new IllegalArgumentException(
                      property + "file: blank (expected: a file with the token)");
                });
      } catch (IOException e) {
        throw new IllegalArgumentException(
            "%sfile: %s (expected: a file that can be read)"
                .formatted(property, settings.tokenFile().get()),
            e);
      }
    }
    if (settings.tokenVariable().isEmpty()) {
      return Optional.empty();
    }
    String variable = settings.tokenVariable().get();
    String value = environment.apply(variable);
    if (value == null || value.isBlank()) {
      throw new IllegalArgumentException(
          "%svariable: %s (expected: a variable that is set)".formatted(property, variable));
    }
    return Optional.of(value.strip());
  }

  @Override
  public Optional<RemoteReward> find(String name) {
    return Optional.ofNullable(remotes.get(name));
  }

  @Override
  public void close() {
    remotes.values().forEach(RemoteReward::close);
  }
}
