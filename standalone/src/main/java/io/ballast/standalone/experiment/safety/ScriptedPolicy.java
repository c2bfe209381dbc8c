package io.ballast.standalone.experiment.safety;

import io.ballast.kit.digest.Sha256;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.GetVersionResponse;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.BindableService;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A policy-server whose versions are candidates with costs of a known shape: version {@code
 * rare-17} is the seventeenth with rare harm. What it draws depends on the version and the prompt.
 */
final class ScriptedPolicy {
  static final String MODEL = "scripted";

  private final long seed;

  ScriptedPolicy(long seed) {
    this.seed = seed;
  }

  /** Returns the candidate of a trial. */
  static ModelVersion candidate(CostShape shape, int trial) {
    return ModelVersion.newBuilder()
        .setModel(MODEL)
        .setVersion(shape.name().toLowerCase(Locale.ROOT) + "-" + trial)
        .build();
  }

  List<BindableService> services() {
    return List.of(new Policy(), new Versions());
  }

  private static ModelVersion known(String version) {
    return ModelVersion.newBuilder()
        .setModel(MODEL)
        .setVersion(version)
        .setWeightsSha256(Sha256.of(version))
        .build();
  }

  private double cost(CostShape shape, String version, String prompt) {
    long drawn = seed * 31 * 31 + version.hashCode() * 31L + prompt.hashCode();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(drawn);
    return shape.draw(random);
  }

  private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void sample(SampleRequest request, StreamObserver<SampleResponse> observer) {
      String version = request.getPolicy().getVersion();
      CostShape shape =
          CostShape.valueOf(
              version.substring(0, version.lastIndexOf('-')).toUpperCase(Locale.ROOT));
      SampleResponse.Builder response =
          SampleResponse.newBuilder().setPolicyVersion(known(version));
      request
          .getPromptsList()
          .forEach(prompt -> response.addResults(result(cost(shape, version, prompt.getText()))));
      observer.onNext(response.build());
      observer.onCompleted();
    }

    private static SampleResult result(double cost) {
      return SampleResult.newBuilder()
          .setGroup(
              CompletionGroup.newBuilder()
                  .addCompletions(Completion.newBuilder().setText(ScriptedCosts.completion(cost))))
          .build();
    }
  }

  private static final class Versions extends VersionServiceGrpc.VersionServiceImplBase {
    @Override
    public void getVersion(GetVersionRequest request, StreamObserver<GetVersionResponse> observer) {
      String version = request.getSelector().getVersion();
      observer.onNext(
          GetVersionResponse.newBuilder()
              .setVersion(
                  PolicyVersion.newBuilder()
                      .setVersion(known(version))
                      .setFolderSha256(Sha256.of("folder of " + version)))
              .build());
      observer.onCompleted();
    }
  }
}
