package io.ballast.policy;

import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;

/** Promotions that go the whole way: registered, certified, moved. */
final class Promotions {
  private Promotions() {}

  /** Registers a published version, has it certified, and points "serving" to it. */
  static PolicyAlias promote(TestMesh mesh, String expected, String version) {
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion(version).build());
    mesh.safety.certificates.issue("certificate-of-" + version, version, expected);
    return mesh.versions()
        .promoteAlias(
            PromoteAliasRequest.newBuilder()
                .setExpectedVersion(expected)
                .setNewVersion(version)
                .setCertificateId("certificate-of-" + version)
                .build())
        .getAlias();
  }
}
