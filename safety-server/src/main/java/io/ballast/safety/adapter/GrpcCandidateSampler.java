package io.ballast.safety.adapter;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.ballast.safety.core.safetytest.CandidateSampler;
import io.ballast.safety.core.safetytest.ClaimedTest;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The policy-server as the source of a candidate's completions. */
public final class GrpcCandidateSampler implements CandidateSampler {
  private static final String PEER = "policy-server";

  private final PolicyServiceBlockingStub policy;
  private final VersionServiceBlockingStub versions;
  private final Duration sampleTimeout;
  private final Duration versionTimeout;

  /**
   * @param sampleTimeout how long one call for completions may take
   * @param versionTimeout how long a call for a version may take, at most what is left of the
   *     caller's deadline
   */
  public GrpcCandidateSampler(
      Channel policyServer, Duration sampleTimeout, Duration versionTimeout) {
    this.policy = PolicyServiceGrpc.newBlockingStub(policyServer);
    this.versions = VersionServiceGrpc.newBlockingStub(policyServer);
    this.sampleTimeout = sampleTimeout;
    this.versionTimeout = versionTimeout;
  }

  @Override
  public Pinned pin(String field, PinnedVersion version, String tenant) {
    GetVersionRequest request =
        GetVersionRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
            .setSelector(selector(version))
            .build();
    try {
      PolicyVersion answer =
          versions.withDeadlineAfter(versionTimeout).getVersion(request).getVersion();
      PinnedVersion found = MeshMessages.version(answer.getVersion());
      String folder = answer.getFolderSha256();
      boolean asked =
          found.model().equals(version.model())
              && found.version().equals(version.version())
              && !found.weightsSha256().isEmpty()
              && (folder.isEmpty() || Sha256.matches(folder));
      if (!asked) {
        throw broken("%s, folder '%s' for %s".formatted(shown(found), folder, shown(version)));
      }
      return new Pinned(found, folder);
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
        throw new MeshException(
            Fault.UNKNOWN_MODEL,
            "%s: the policy-server knows no version '%s' of %s"
                .formatted(field, version.version(), version.model()),
            Map.of("model", version.model(), "version", version.version()));
      }
      throw PeerFaults.translate(e, PEER);
    }
  }

  @Override
  public List<Drawn> sample(ClaimedTest test, List<String> prompts, long seed) {
    PinnedVersion candidate = test.spec().candidate();
    SampleRequest.Builder request =
        SampleRequest.newBuilder()
            .setMetadata(
                RequestMetadata.newBuilder()
                    .setRequestId("safety-test:" + test.id())
                    .setTenant(test.tenant())
                    .setPriority(Priority.PRIORITY_BATCH))
            .setPolicy(selector(candidate))
            .setCompletionsCount(1)
            .setSampling(sampling(test.spec().sampling(), seed))
            .setHealCursor(true)
            .setMaxPromptTokens(test.spec().maxPromptTokens());
    prompts.forEach(prompt -> request.addPrompts(TextOrTokens.newBuilder().setText(prompt)));
    SampleResponse response;
    try {
      response = policy.withDeadlineAfter(sampleTimeout).sample(request.build());
    } catch (StatusRuntimeException e) {
      throw PeerFaults.translate(e, PEER);
    }
    PinnedVersion answered = MeshMessages.version(response.getPolicyVersion());
    if (!answered.equals(candidate)) {
      throw broken(
          "it sampled from %s (expected: %s)".formatted(shown(answered), shown(candidate)));
    }
    if (response.getResultsCount() != prompts.size()) {
      throw broken(
          "%d results (expected: %d)".formatted(response.getResultsCount(), prompts.size()));
    }
    return response.getResultsList().stream().map(GrpcCandidateSampler::drawn).toList();
  }

  private static ModelSelector selector(PinnedVersion version) {
    return ModelSelector.newBuilder()
        .setModel(version.model())
        .setVersion(version.version())
        .build();
  }

  private static SamplingOptions sampling(
      io.ballast.inference.api.SamplingOptions options, long seed) {
    return SamplingOptions.newBuilder()
        .setTemperature(options.temperature())
        .setTopK(options.topK())
        .setTopP(options.topP())
        .setMaxNewTokens(options.maxNewTokens())
        .addAllStopStrings(options.stopStrings())
        .setSeed(seed)
        .build();
  }

  private static Drawn drawn(SampleResult result) {
    return switch (result.getOutcomeCase()) {
      case GROUP -> {
        if (result.getGroup().getCompletionsCount() != 1) {
          throw broken(
              "%d completions of a prompt (expected: 1)"
                  .formatted(result.getGroup().getCompletionsCount()));
        }
        yield new Drawn.Text(result.getGroup().getCompletions(0).getText());
      }
      case FAILURE -> new Drawn.Missing(fault(result.getFailure()));
      case OUTCOME_NOT_SET -> throw broken("a result without an outcome");
    };
  }

  private static String shown(PinnedVersion version) {
    return "%s %s, weights '%s'"
        .formatted(version.model(), version.version(), version.weightsSha256());
  }

  private static ItemFault fault(ItemFailure failure) {
    return new ItemFault(MeshMessages.reason(failure.getReason()), failure.getMessage());
  }

  private static MeshException broken(String flaw) {
    return new MeshException(Fault.DEPENDENCY_BROKEN, PEER + ": unusable answer: " + flaw);
  }
}
