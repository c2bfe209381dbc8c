package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.RequestMetadata;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

/** Requests are counted by tenant, and whoever invents tenants makes no series. */
class TenantCallsTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final TenantCalls calls = new TenantCalls(RequestContexts::from, meters, "reward-server");

  private double count(String tenant) {
    return meters
        .get("ballast.server.tenant.requests")
        .tags("server", "reward-server", "tenant", tenant)
        .counter()
        .count();
  }

  private static RequestMetadata of(String tenant) {
    return RequestMetadata.newBuilder().setTenant(tenant).build();
  }

  @Test
  void eachTenantIsCounted() {
    assertThat(calls.apply(of("acme")).tenant()).isEqualTo("acme");
    calls.apply(of("acme"));
    calls.apply(of(""));

    assertThat(count("acme")).isEqualTo(2);
    assertThat(count("default")).isEqualTo(1);
  }

  @Test
  void beyondTheFirstTheyAreOthers() {
    for (int i = 0; i < TenantCalls.TENANTS + 50; i++) {
      calls.apply(of("t" + i));
    }

    assertThat(meters.getMeters()).hasSize(TenantCalls.TENANTS + 1);
    assertThat(count("other")).isEqualTo(50);
  }

  @Test
  void whatIsRefusedIsNotCounted() {
    assertThatThrownBy(() -> calls.apply(of("no tenant"))).isInstanceOf(MeshException.class);
    assertThat(meters.getMeters()).isEmpty();
  }
}
