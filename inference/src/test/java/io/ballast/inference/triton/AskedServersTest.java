package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.triton.TritonException.Reason;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Connections to servers that are asked whether they are ready, and what is left of them. */
class AskedServersTest {
  private final List<KServeConnection> opened = new CopyOnWriteArrayList<>();
  private LocalServer server;

  @BeforeEach
  void start() throws IOException {
    server = LocalServer.start("127.0.0.1", 0);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private KServeConnection open(String name) {
    KServeConnection connection =
        KServeConnection.open("127.0.0.1:" + server.port(), KServeSettings.defaults());
    opened.add(connection);
    return connection;
  }

  private void assertThatAllAreClosed() {
    assertThat(opened)
        .allSatisfy(
            connection ->
                assertThat(Failures.failure(Reason.UNAVAILABLE, () -> connection.client().ready()))
                    .contains("shutdown"));
  }

  @Test
  void aServerIsAskedOverOneConnection() {
    try (AskedServers<String> servers = new AskedServers<>(this::open)) {
      KServeClient client = servers.client("a");

      assertThat(client.ready()).isTrue();
      assertThat(servers.client("a")).isSameAs(client);
      assertThat(servers.client("b")).isNotSameAs(client);
      assertThat(servers.servers()).containsExactlyInAnyOrder("a", "b");
    }
    assertThat(opened).hasSize(2);
    assertThatAllAreClosed();
  }

  @Test
  void aForgottenServerIsAskedAnew() {
    try (AskedServers<String> servers = new AskedServers<>(this::open)) {
      servers.client("a");
      servers.forget("a");

      assertThatAllAreClosed();
      assertThat(servers.servers()).isEmpty();
      assertThat(servers.client("a").ready()).isTrue();
    }
  }

  @Test
  void aThreadThatOutlivesTheEndLeavesNothingOpen() {
    CountDownLatch opening = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    AskedServers<String> servers =
        new AskedServers<>(
            name -> {
              opening.countDown();
              await(closed);
              return open(name);
            });
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      CompletableFuture<KServeClient> late =
          CompletableFuture.supplyAsync(() -> servers.client("a"), executor);
      await(opening);
      servers.close();
      closed.countDown();

      assertThatThrownBy(late::join).hasRootCauseInstanceOf(IllegalStateException.class);
    }
    assertThat(opened).hasSize(1);
    assertThatAllAreClosed();
    assertThat(servers.servers()).isEmpty();
  }

  @Test
  void whoAsksAfterTheEndIsRefused() {
    AskedServers<String> servers = new AskedServers<>(this::open);
    servers.close();

    assertThatThrownBy(() -> servers.client("a")).isInstanceOf(IllegalStateException.class);
    assertThatAllAreClosed();
    assertThat(servers.servers()).isEmpty();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
