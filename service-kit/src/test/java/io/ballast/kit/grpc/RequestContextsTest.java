package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import org.junit.jupiter.api.Test;

/** {@code RequestContexts} says who asks, and names what is wrong with the metadata. */
class RequestContextsTest {
  @Test
  void absentMetadataMeansAllDefaults() {
    assertThat(RequestContexts.from(RequestMetadata.getDefaultInstance(), () -> "made-1"))
        .isEqualTo(new RequestContext("made-1", "default", Priority.PRIORITY_INTERACTIVE, ""));
  }

  @Test
  void whatIsSaidIsKept() {
    RequestMetadata metadata =
        RequestMetadata.newBuilder()
            .setRequestId("run:7.3")
            .setTenant("team-a")
            .setPriority(Priority.PRIORITY_BATCH)
            .setIdempotencyKey("key")
            .build();
    assertThat(RequestContexts.from(metadata))
        .isEqualTo(new RequestContext("run:7.3", "team-a", Priority.PRIORITY_BATCH, "key"));
  }

  @Test
  void eachFieldOutOfItsRangeIsNamed() {
    assertMalformed(
        RequestMetadata.newBuilder().setRequestId("a b").build(), "metadata.request_id: a b (");
    assertMalformed(
        RequestMetadata.newBuilder().setRequestId("x".repeat(129)).build(), "metadata.request_id");
    assertMalformed(
        RequestMetadata.newBuilder().setTenant("t".repeat(65)).build(), "metadata.tenant");
    assertMalformed(RequestMetadata.newBuilder().setTenant("a:b").build(), "metadata.tenant: a:b");
    assertMalformed(
        RequestMetadata.newBuilder().setPriorityValue(9).build(), "metadata.priority: 9");
    assertMalformed(
        RequestMetadata.newBuilder().setIdempotencyKey("k".repeat(129)).build(),
        "metadata.idempotency_key: 129 characters");
    // PostgreSQL keeps no U+0000 in a text
    assertMalformed(
        RequestMetadata.newBuilder().setIdempotencyKey("key\u0000").build(),
        "metadata.idempotency_key: character 3 is U+0000 (allowed: no control characters)");
  }

  private static void assertMalformed(RequestMetadata metadata, String message) {
    assertThatThrownBy(() -> RequestContexts.from(metadata))
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST);
              assertThat(e.metadata()).containsKeys("field", "value", "allowed");
            })
        .hasMessageStartingWith(message);
  }
}
