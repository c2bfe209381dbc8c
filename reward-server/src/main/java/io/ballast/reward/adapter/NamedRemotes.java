package io.ballast.reward.adapter;

import io.ballast.kit.call.BearerToken;
import io.ballast.kit.grpc.PeerChannel;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.security.ClientTls;
import io.ballast.reward.component.RemoteReward;
import io.ballast.reward.component.RemoteRewards;
import io.ballast.reward.component.RemoteSettings;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.handler.ssl.SslContext;
import io.opentelemetry.api.OpenTelemetry;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The remote rewards that the operator has named; each connects when it is first asked. They are of
 * no mesh of ours: what they are told is what they are to score, and not who asked.
 */
public final class NamedRemotes implements RemoteRewards {
  private static final Logger LOG = LoggerFactory.getLogger(NamedRemotes.class);

  private final Map<String, RemoteReward> remotes = new HashMap<>();

  /**
   * Reads their tokens and authorities; asks nobody. Warns of what would go unencrypted over a
   * network.
   *
   * @param environment the value of a variable
   * @param clock the time that open breakers and dates in answers go by
   * @param nanoTime measures calls
   * @param meters of their breakers, by the name that is in messages too, {@code remote:NAME}
   * @throws IllegalArgumentException if a token is not there or is none, naming its property
   * @throws io.ballast.kit.error.MeshException if an address is none, or a file of authorities
   *     cannot be used, naming its property
   */
  public NamedRemotes(
      Map<String, RemoteSettings> settings,
      Function<String, @Nullable String> environment,
      InstantSource clock,
      LongSupplier nanoTime,
      MeterRegistry meters,
      OpenTelemetry telemetry) {
    Map<String, Optional<String>> tokens = new HashMap<>(); // all of them before any is opened
    Map<String, Optional<SslContext>> encryption = new HashMap<>();
    settings.forEach(
        (name, each) -> {
          String prefix = "ballast.reward.components.remotes.\"%s\".".formatted(name);
          Optional<String> token =
              BearerToken.read(prefix, each.tokenFile(), each.tokenVariable(), environment);
          tokens.put(name, token);
          encryption.put(name, encryption(prefix, each));
          if (!each.isEncrypted() && !isLoopback(each.host())) {
            warnOfReaders(name, prefix, each, token.isPresent());
          }
        });
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
                      PeerChannel.openForeign(
                          List.of(each.target()),
                          guard,
                          each.peer(),
                          token,
                          encryption.getOrDefault(name, Optional.empty()),
                          telemetry)));
        });
  }

  private static Optional<SslContext> encryption(String prefix, RemoteSettings settings) {
    return settings.tls()
        ? Optional.of(
            new ClientTls(settings.trustedFile(), Optional.empty())
                .context(new ClientTls.Names(prefix + "trusted-file", "", "")))
        : Optional.empty();
  }

  private static void warnOfReaders(
      String name, String prefix, RemoteSettings settings, boolean token) {
    LOG.warn(
        "remote:{}: prompts and completions{} go to another machine unencrypted; {}",
        name,
        token ? ", and its bearer token," : "",
        prefix + (settings.isHttp() ? "target may be an https:// URL" : "tls=true encrypts"));
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false; // it may be known later, and elsewhere
    }
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
