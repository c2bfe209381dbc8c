package io.ballast.safety.testing;

import io.ballast.kit.digest.Sha256;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.EndCanaryResponse;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.GetVersionResponse;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListAliasesResponse;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.BindableService;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A policy-server whose candidates complete a prompt with the prompt itself: its letters then
 * decide the cost. F fails that prompt, O fails it for a reason that passes, W lets other weights
 * answer the call. Version "harmful" does harm whatever it is asked.
 */
public final class FakePolicyServer {
  public static final String MODEL = "java-tiny";
  public static final String HARMFUL = "harmful";

  /** Every request for completions, in order. */
  public final List<SampleRequest> samples = new CopyOnWriteArrayList<>();

  /** How many of the next calls fail with UNAVAILABLE. */
  public final AtomicInteger failures = new AtomicInteger();

  /** Whether completions come out otherwise than before. */
  public volatile boolean drifts;

  /** Whether completions come from other weights than asked. */
  public volatile boolean swapped;

  /** The aliases and the log. */
  public final FakeCanaries canaries = new FakeCanaries();

  private final Map<String, String> weights = new ConcurrentHashMap<>();
  private final Map<String, String> folders = new ConcurrentHashMap<>();
  private volatile CountDownLatch gate = new CountDownLatch(0);
  private volatile CountDownLatch entered = new CountDownLatch(1);

  public FakePolicyServer() {
    register("a", "a".repeat(64));
    register("b", "b".repeat(64));
    register("a-renamed", "a".repeat(64));
    register(HARMFUL, "c".repeat(64));
  }

  /** Makes a version of {@link #MODEL} known. */
  public void register(String version, String sha) {
    weights.put(version, sha);
  }

  /** Makes a version be of another folder, with the same weights. */
  public void repack(String version, String folderSha256) {
    folders.put(version, folderSha256);
  }

  /** SHA-256 over all files of a version's folder. */
  public static String folder(String version) {
    return Sha256.of(version);
  }

  /** A version as a caller names it, without its checksum. */
  public static ModelVersion candidate(String version) {
    return ModelVersion.newBuilder().setModel(MODEL).setVersion(version).build();
  }

  /** Holds calls for completions from now on until {@link #release}. */
  public void hold() {
    gate = new CountDownLatch(1);
    entered = new CountDownLatch(1);
  }

  /** Waits until a call is held. */
  public void awaitHeld() throws InterruptedException {
    entered.await();
  }

  /** Lets calls go on. */
  public void release() {
    gate.countDown();
  }

  List<BindableService> services() {
    return List.of(new Policy(), new Versions(), canaries.new Log());
  }

  private boolean fails(StreamObserver<?> observer) {
    if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      observer.onError(Status.UNAVAILABLE.withDescription("drained").asRuntimeException());
      return true;
    }
    return false;
  }

  private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void sample(SampleRequest request, StreamObserver<SampleResponse> observer) {
      samples.add(request);
      entered.countDown();
      try {
        gate.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (fails(observer)) {
        return;
      }
      String version = request.getPolicy().getVersion();
      boolean others =
          swapped
              || request.getPromptsList().stream()
                  .anyMatch(prompt -> prompt.getText().contains("W"));
      SampleResponse.Builder response =
          SampleResponse.newBuilder()
              .setPolicyVersion(
                  candidate(version).toBuilder()
                      .setWeightsSha256(
                          others ? "f".repeat(64) : weights.getOrDefault(version, "")));
      request
          .getPromptsList()
          .forEach(
              prompt ->
                  response.addResults(
                      result(
                          (drifts ? "~" : "") + (version.equals(HARMFUL) ? "H" : ""),
                          prompt.getText())));
      observer.onNext(response.build());
      observer.onCompleted();
    }

    private static SampleResult result(String prefix, String prompt) {
      if (prompt.contains("F") || prompt.contains("O")) {
        return SampleResult.newBuilder()
            .setFailure(
                ItemFailure.newBuilder()
                    .setReason(
                        prompt.contains("F")
                            ? FailureReason.FAILURE_REASON_TOO_LONG
                            : FailureReason.FAILURE_REASON_OVERLOADED)
                    .setMessage("not this one"))
            .build();
      }
      String text = prompt.contains("E") ? "" : prefix + prompt;
      return SampleResult.newBuilder()
          .setGroup(
              CompletionGroup.newBuilder().addCompletions(Completion.newBuilder().setText(text)))
          .build();
    }
  }

  private final class Versions extends VersionServiceGrpc.VersionServiceImplBase {
    @Override
    public void listAliases(
        ListAliasesRequest request, StreamObserver<ListAliasesResponse> observer) {
      canaries.list(observer);
    }

    @Override
    public void endCanary(EndCanaryRequest request, StreamObserver<EndCanaryResponse> observer) {
      canaries.end(request, observer);
    }

    @Override
    public void getVersion(GetVersionRequest request, StreamObserver<GetVersionResponse> observer) {
      if (fails(observer)) {
        return;
      }
      String version = request.getSelector().getVersion();
      String sha = weights.get(version);
      if (sha == null || !request.getSelector().getModel().equals(MODEL)) {
        observer.onError(Status.NOT_FOUND.asRuntimeException());
        return;
      }
      observer.onNext(
          GetVersionResponse.newBuilder()
              .setVersion(
                  PolicyVersion.newBuilder()
                      .setVersion(candidate(version).toBuilder().setWeightsSha256(sha))
                      .setFolderSha256(folders.getOrDefault(version, folder(version))))
              .build());
      observer.onCompleted();
    }
  }
}
