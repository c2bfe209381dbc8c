package io.ballast.reward.adapter;

import io.ballast.kit.call.BearerToken;
import io.ballast.kit.grpc.PeerChannel;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.reward.component.RemoteReward;
import io.ballast.reward.component.RemoteRewards;
import io.ballast.reward.component.RemoteSettings;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The remote rewards that the operator has named; each connects when it is first asked. */
public final class NamedRemotes implements RemoteRewards {
  private final Map<String, RemoteReward> remotes = new HashMap<>();

  /**
   * Reads their tokens; asks nobody.
   *
   * @param environment the value of a variable
   * @param clock the time that open breakers and dates in answers go by
   * @param nanoTime measures calls
   * @param meters of their breakers, by the name that is in messages too, {@code remote:NAME}
   * @throws IllegalArgumentException if a token is not there or is none, naming its property
   * @throws io.ballast.kit.error.MeshException if an address is none
   */
  public NamedRemotes(
      Map<String, RemoteSettings> settings,
      Function<String, @Nullable String> environment,
      InstantSource clock,
      LongSupplier nanoTime,
      MeterRegistry meters,
      OpenTelemetry telemetry) {
    Map<String, Optional<String>> tokens = new HashMap<>(); // all of them before any is opened
    settings.forEach(
        (name, each) ->
            tokens.put(
                name,
                BearerToken.read(
                    "ballast.reward.components.remotes.\"%s\".".formatted(name),
                    each.tokenFile(),
                    each.tokenVariable(),
                    environment)));
    settings.forEach(
        (name, each) -> {
          PeerGuard guard = new PeerGuard("remote:" + name, each.peer(), clock, nanoTime, meters);
          Optional<String> token = tokens.getOrDefault(name, Optional.empty());
          remotes.put(
              name,
              each.isHttp()
                  ? new HttpReward(each, token, guard, new Backoff(clock, nanoTime))
                  : new GrpcReward(
                      guard.peer(),
                      each,
                      PeerChannel.open(
                          List.of(each.target()), guard, each.peer(), token, telemetry)));
        });
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
