package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.GetVersionResponse;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The policy-server is asked where the alias "serving" of a model points. */
class GrpcServingVersionsTest {
  private final Server server;
  private final ManagedChannel channel;

  GrpcServingVersionsTest() throws IOException {
    String name = InProcessServerBuilder.generateName();
    server = InProcessServerBuilder.forName(name).addService(new OneModel()).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  @Test
  void anAliasPointsToAVersionOrIsNone() {
    ServingVersions versions = new GrpcServingVersions(channel);

    assertThat(versions.of("java-tiny")).contains("7");
    assertThat(versions.of("nobodys")).isEmpty();
  }

  @Test
  void aPolicyServerThatIsAwayIsNoAliasThatIsNot() {
    server.shutdownNow();

    assertThatThrownBy(() -> new GrpcServingVersions(channel).of("java-tiny"))
        .asInstanceOf(InstanceOfAssertFactories.type(MeshException.class))
        .extracting(MeshException::fault)
        .isEqualTo(Fault.DEPENDENCY_DOWN);
  }

  /** Serves version 7 of java-tiny. */
  private static final class OneModel extends VersionServiceGrpc.VersionServiceImplBase {
    @Override
    public void getVersion(GetVersionRequest request, StreamObserver<GetVersionResponse> observer) {
      assertThat(request.getSelector().getAlias()).isEqualTo("serving");
      if (!request.getSelector().getModel().equals("java-tiny")) {
        observer.onError(Status.NOT_FOUND.asRuntimeException());
        return;
      }
      observer.onNext(
          GetVersionResponse.newBuilder()
              .setVersion(
                  PolicyVersion.newBuilder()
                      .setVersion(ModelVersion.newBuilder().setModel("java-tiny").setVersion("7")))
              .build());
      observer.onCompleted();
    }
  }
}
