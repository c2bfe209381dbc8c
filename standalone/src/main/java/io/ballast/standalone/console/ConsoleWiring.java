package io.ballast.standalone.console;

import io.ballast.console.http.ConsoleAccess;
import io.ballast.console.http.ConsoleRoutes;
import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Right;
import io.ballast.standalone.RunningMesh;
import io.ballast.standalone.config.MeshProperties;
import io.vertx.ext.web.Router;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** Puts the console on this process's HTTP port. */
@ApplicationScoped
public class ConsoleWiring {
  private final ConsoleRoutes routes;

  /** Takes the mesh that the console shows. */
  @Inject
  public ConsoleWiring(RunningMesh mesh, MeshProperties properties) {
    this.routes =
        new ConsoleRoutes(
            new ProcessConsoleMesh(mesh),
            new ConsoleAccess(
                shown -> mesh.knows(shown, ConsoleWiring::mayLook), isLoopback(properties.host())));
  }

  /** The console shows what all tenants do. */
  private static boolean mayLook(Principal principal) {
    return principal.tenant().isEmpty()
        && (principal.rights().contains(Right.OPERATOR)
            || principal.rights().contains(Right.AUDITOR));
  }

  /** Adds the console's routes to those of health and metrics. */
  void serve(@Observes Router router) {
    routes.addTo(router);
  }

  /** Cancels what is under way. */
  @PreDestroy
  void stop() {
    routes.close();
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false; // the process will say so when it listens
    }
  }
}
