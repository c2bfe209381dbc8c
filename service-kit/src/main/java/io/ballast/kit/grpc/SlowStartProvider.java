package io.ballast.kit.grpc;

import io.ballast.kit.resilience.BalancingSettings;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.NameResolver.ConfigOrError;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/** Makes {@link SlowStart} known to grpc-java. */
final class SlowStartProvider extends LoadBalancerProvider {
  private static final int USUAL_PRIORITY = 5;

  private final String policy;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;

  /**
   * @param policy its name in service configs
   * @param random safe for use by many threads
   */
  SlowStartProvider(String policy, LongSupplier nanoTime, RandomGenerator random) {
    this.policy = policy;
    this.nanoTime = nanoTime;
    this.random = random;
  }

  /** Has the channels of this process know it; to do so again changes nothing. */
  static synchronized void register() {
    LoadBalancerRegistry registry = LoadBalancerRegistry.getDefaultRegistry();
    if (registry.getProvider(BalancingSettings.SLOW_START) == null) {
      registry.register(
          new SlowStartProvider(
              BalancingSettings.SLOW_START,
              System::nanoTime,
              () -> ThreadLocalRandom.current().nextLong()));
    }
  }

  @Override
  public boolean isAvailable() {
    return true;
  }

  @Override
  public int getPriority() {
    return USUAL_PRIORITY;
  }

  @Override
  public String getPolicyName() {
    return policy;
  }

  @Override
  public LoadBalancer newLoadBalancer(LoadBalancer.Helper channel) {
    LoadBalancerProvider roundRobin =
        Objects.requireNonNull(
            LoadBalancerRegistry.getDefaultRegistry().getProvider(BalancingSettings.ROUND_ROBIN),
            "grpc-java has no round robin");
    return new SlowStart(channel, roundRobin, nanoTime, random);
  }

  @Override
  public ConfigOrError parseLoadBalancingPolicyConfig(Map<String, ?> config) {
    return config.get(BalancingSettings.WINDOW_SECONDS) instanceof Double seconds
        ? ConfigOrError.fromConfig(
            new SlowStart.Window(Duration.ofNanos(Math.round(seconds * 1e9))))
        : ConfigOrError.fromError(
            Status.INVALID_ARGUMENT.withDescription(
                "%s: no number in %s".formatted(BalancingSettings.WINDOW_SECONDS, config)));
  }
}
