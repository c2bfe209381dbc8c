package io.ballast.standalone;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.standalone.config.MeshConfig;
import io.ballast.standalone.config.MeshProperties;
import io.ballast.standalone.process.MeshProcess;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import jakarta.inject.Inject;
import java.util.function.Function;

/**
 * What the process does: reads configuration, starts the servers of its roles, and drains them at
 * its end.
 */
public final class MeshApplication implements QuarkusApplication {
  private static final int FAILED = 1;

  private final MeshProperties properties;
  private final ServerModules modules;
  private final RunningMesh mesh;

  /** Takes what the process needs; CDI calls it. */
  @Inject
  public MeshApplication(MeshProperties properties, ServerModules modules, RunningMesh mesh) {
    this.properties = properties;
    this.modules = modules;
    this.mesh = mesh;
  }

  /** Runs until it is told to stop, or fails with one line that says what to do. */
  @Override
  public int run(String... args) {
    try {
      MeshConfig config = MeshConfig.from(properties);
      sayWhoMayCall(config);
      MeshProcess process = mesh.start(config, told(modules.of(config)));
      System.out.printf(
          "mesh ready: grpc %s:%d, console http://%s:%d, data %s%n",
          config.server().host(),
          process.port(),
          config.server().host(),
          config.httpPort(),
          config.data().toAbsolutePath().normalize());
      System.out.flush();
    } catch (MeshException | IllegalArgumentException e) {
      System.err.println("mesh: " + e.getMessage());
      return FAILED;
    }
    Quarkus.waitForExit();
    mesh.process().ifPresent(MeshApplication::sayThatItStops);
    return 0;
  }

  private static Function<Role, ServerModule> told(Function<Role, ServerModule> servers) {
    return role -> {
      System.out.println("mesh starting: " + role.label());
      System.out.flush();
      return servers.apply(role);
    };
  }

  private static void sayWhoMayCall(MeshConfig config) {
    if (config.asksNobody()) {
      System.out.printf(
          "mesh starting: on %s, where nobody is asked who they are%n", config.server().host());
      System.out.flush();
    }
  }

  private static void sayThatItStops(MeshProcess process) {
    System.out.printf(
        "mesh stopping: calls under way: %d, drain %s%n", process.callsUnderWay(), process.drain());
    System.out.flush();
  }
}
