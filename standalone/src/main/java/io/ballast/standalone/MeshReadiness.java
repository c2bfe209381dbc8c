package io.ballast.standalone;

import io.ballast.kit.runtime.Role;
import io.ballast.standalone.process.MeshProcess;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * Whether to send this process calls: its servers take them, and their database answers, if one of
 * them can do nothing without it. Says which of the two is missing. Peers that are not connected,
 * and a model behind a Triton that is away, are named, and leave the process ready: all else is
 * answered.
 */
@Readiness
@ApplicationScoped
public class MeshReadiness implements HealthCheck {
  private final RunningMesh mesh;
  private final InstantSource clock = InstantSource.system();

  /** Looks at {@code mesh} whenever it is asked. */
  @Inject
  public MeshReadiness(RunningMesh mesh) {
    this.mesh = mesh;
  }

  @Override
  public HealthCheckResponse call() {
    HealthCheckResponseBuilder answer = HealthCheckResponse.named("mesh");
    Optional<MeshProcess> running = mesh.process();
    if (running.isEmpty()) {
      return answer.down().withData("servers", "starting").build();
    }
    MeshProcess process = running.get();
    Optional<Boolean> database = process.databaseReachable();
    answer
        .status(process.isServing() && (database.orElse(true) || process.servesWithoutDatabase()))
        .withData(
            "servers",
            process.roles().stream().map(Role::label).collect(Collectors.joining(", "))
                + (process.isServing() ? "" : ": stopping"))
        .withData("grpc_port", process.port())
        .withData("time", clock.instant().toString())
        .withData("peers", peers(process.peersAway()));
    process.flaws().forEach(answer::withData);
    database.ifPresent(up -> answer.withData("database", up ? "reachable" : "does not answer"));
    return answer.build();
  }

  private static String peers(List<Role> away) {
    return away.isEmpty()
        ? "connected"
        : away.stream().map(Role::label).collect(Collectors.joining(", ", "not connected: ", ""));
  }
}
