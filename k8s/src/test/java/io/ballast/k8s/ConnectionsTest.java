package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.standalone.config.MeshProperties;
import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** PostgreSQL takes as many connections as all pods together may open. */
class ConnectionsTest {
  /** Where {@code max_connections} is not set. */
  private static final int POSTGRES_DEFAULT = 100;

  /** What PostgreSQL keeps for superusers, and those of who runs, scrapes and backs it up. */
  private static final int OTHERS = 20;

  @Test
  void allPodsThatMayBeFindAConnectionToPostgres() throws IOException {
    Manifests everything = Manifests.everything();
    int each = connectionsOfAPod(everything.configuration());
    int most = 0;
    int inARoll = 0;
    for (JsonNode server : everything.ofKind("Deployment")) {
      if (keepsADatabase(server)) {
        int pods = mostPods(everything, server);
        most += pods * each;
        inARoll += (pods + server.at("/spec/strategy/rollingUpdate/maxSurge").asInt(0)) * each;
      }
    }
    JsonNode cluster =
        Manifests.component("cloudnative-pg").named("Cluster", "postgres").getFirst();

    // 8 policy-servers, 8 safety-servers and an orchestrator, of 8 connections each
    assertThat(most).isEqualTo(136).isGreaterThan(POSTGRES_DEFAULT);
    assertThat(cluster.at("/spec/postgresql/parameters/max_connections").asInt(POSTGRES_DEFAULT))
        .isGreaterThanOrEqualTo(inARoll + OTHERS);
    assertThat(Files.readString(Path.of("README.md")))
        .contains("together %d, and %d in a roll".formatted(most, inARoll));

    Manifests local = Manifests.overlay("local");
    int ofALaptop =
        (int) local.ofKind("Deployment").stream().filter(ConnectionsTest::keepsADatabase).count();
    assertThat(2 * ofALaptop * connectionsOfAPod(local.configuration()) + OTHERS)
        .as("one of each, twice in a roll")
        .isLessThanOrEqualTo(POSTGRES_DEFAULT);
  }

  private static int connectionsOfAPod(Map<String, String> environment) {
    return new SmallRyeConfigBuilder()
        .addDiscoveredConverters()
        .withMapping(MeshProperties.class)
        .withSources(new EnvConfigSource(environment, 300))
        .build()
        .getConfigMapping(MeshProperties.class)
        .database()
        .maxConnections();
  }

  private static boolean keepsADatabase(JsonNode server) {
    return Manifests.pod(server).at("/containers/0/env").findValuesAsText("name").stream()
        .anyMatch("BALLAST_DATABASE_URL"::equals);
  }

  /** As whatever scales it says, or as it says itself. */
  private static int mostPods(Manifests manifests, JsonNode server) {
    int most = server.at("/spec/replicas").asInt(1);
    for (String kind : List.of("HorizontalPodAutoscaler", "ScaledObject")) {
      for (JsonNode scaler : manifests.named(kind, Manifests.name(server))) {
        int limit = scaler.path("spec").path("maxReplicas").asInt(0);
        most = Math.max(most, Math.max(limit, scaler.at("/spec/maxReplicaCount").asInt(0)));
      }
    }
    return most;
  }
}
