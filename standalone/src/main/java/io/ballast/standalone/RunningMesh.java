package io.ballast.standalone;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.kit.security.Principal;
import io.ballast.kit.telemetry.RecentSpans;
import io.ballast.kit.telemetry.Telemetry;
import io.ballast.standalone.config.MeshConfig;
import io.ballast.standalone.process.MeshProcess;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Metrics;
import io.opentelemetry.api.OpenTelemetry;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The process's servers, once they run: what health and console look at. Thread-safe. */
@ApplicationScoped
public class RunningMesh {
  private final MeterRegistry meters;
  private volatile @Nullable MeshProcess process;
  private volatile @Nullable Telemetry telemetry;

  /** Takes the registry that {@code /q/metrics} shows: Quarkus gives Micrometer's global one. */
  @Inject
  public RunningMesh(MeterRegistry meters) {
    this.meters = meters;
  }

  /** Starts the servers; see {@link MeshProcess#start}. */
  public MeshProcess start(MeshConfig config, Function<Role, ServerModule> modules) {
    Telemetry traces = Telemetry.start(config.telemetry());
    telemetry = traces;
    traces.metrics().ifPresent(Metrics::addRegistry);
    MeshProcess started =
        MeshProcess.start(
            config, modules, meters, traces.api(), InstantSource.system(), System::nanoTime);
    process = started;
    return started;
  }

  /** What this process traces with; traces nothing until it starts. */
  public OpenTelemetry tracing() {
    Telemetry traces = telemetry;
    return traces == null ? OpenTelemetry.noop() : traces.api();
  }

  /** The last spans of this process; empty until it starts. */
  public Optional<RecentSpans> spans() {
    return Optional.ofNullable(telemetry).map(Telemetry::recent);
  }

  /** The servers; empty until all of them answer. */
  public Optional<MeshProcess> process() {
    return Optional.ofNullable(process);
  }

  /**
   * Whether somebody who shows this header {@code authorization} is known, and one of those meant.
   * While the servers start everybody is, as far as to be told that they do.
   */
  public boolean knows(Optional<String> authorization, Predicate<Principal> meant) {
    try {
      return process().isEmpty()
          || meant.test(process().get().identities().know(authorization.orElse(null)));
    } catch (MeshException e) {
      return false;
    }
  }

  /** Drains and stops them, then sends the last traces and metrics. */
  @PreDestroy
  void stop() {
    Optional<Telemetry> sent = Optional.ofNullable(telemetry);
    sent.ifPresent(Telemetry::flush); // while runs are held, which have gauges as long
    process().ifPresent(MeshProcess::close);
    sent.ifPresent(Telemetry::close);
    sent.flatMap(Telemetry::metrics).ifPresent(Metrics::removeRegistry);
  }
}
