package io.ballast.standalone.http;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.reward.config.HttpConfig;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.grpc.ScoreCalls;
import io.ballast.reward.http.RewardRoutes;
import io.ballast.standalone.RunningMesh;
import io.ballast.standalone.config.MeshConfig;
import io.ballast.standalone.config.MeshProperties;
import io.grpc.Channel;
import io.vertx.ext.web.Router;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.InstantSource;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Puts the routes of rewards on the HTTP port of a process that plays the reward-server. */
@ApplicationScoped
public class RewardHttpWiring {
  private final RunningMesh mesh;
  private final boolean here;
  private final RewardRoutes routes;

  /**
   * Takes the mesh that is asked.
   *
   * @param idle after which the HTTP port closes a connection on which nothing came or went
   */
  @Inject
  public RewardHttpWiring(
      RunningMesh mesh,
      MeshProperties process,
      RewardProperties rewards,
      @ConfigProperty(name = "quarkus.http.idle-timeout") Duration idle) {
    this.mesh = mesh;
    MeshConfig config = MeshConfig.from(process);
    this.here = config.roles().contains(Role.REWARD_SERVER);
    HttpConfig http = HttpConfig.from(rewards.http());
    this.routes =
        new RewardRoutes(
            here ? http.within(idle) : http,
            shown -> mesh.knows(shown, known -> true),
            rewards.maxItems(),
            new ScoreCalls(this::server),
            InstantSource.system());
  }

  /** Adds the routes to those of health and metrics. */
  void serve(@Observes Router router) {
    if (here) {
      routes.addTo(router);
    }
  }

  /** Cancels what is under way. */
  @PreDestroy
  void stop() {
    routes.close();
  }

  private Channel server() {
    return mesh.process()
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.MODEL_LOADING, "the servers of this process are starting; soon"))
        .inside();
  }
}
