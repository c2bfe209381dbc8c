package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who may ask for which run, and what is told of it. */
class RunRequestsTest extends RunServiceCase {
  /** More than the server takes calls at once. */
  private static final int WATCHERS = 80;

  @Test
  void theSameKeyCreatesOneRun() {
    CreateRunRequest request =
        CreateRunRequest.newBuilder()
            .setMetadata(TestMesh.metadata("acme", "key"))
            .setSpec(TestSpecs.spec("once"))
            .build();

    Run first = mesh.runs().createRun(request).getRun();
    Run second = mesh.runs().createRun(request).getRun();

    assertThat(second.getRunId()).isEqualTo(first.getRunId());
    assertThatThrownBy(
            () ->
                mesh.runs().createRun(request.toBuilder().setSpec(TestSpecs.spec("other")).build()))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "'key' was used for another request, whose spec differs: name: other (once there)"));
    for (String unreadable : List.of("a: &a {b: *a}", "a: [", "nothing: of it")) {
      assertThatThrownBy(
              () -> mesh.runs().createRun(request.toBuilder().setSpec(unreadable).build()))
          .satisfies(
              thrown ->
                  refused(
                      thrown,
                      Status.Code.INVALID_ARGUMENT,
                      "metadata.idempotency_key: 'key' was used for another request"));
    }
    assertThat(
            mesh.runs()
                .createRun(
                    request.toBuilder().setMetadata(TestMesh.metadata("other", "key")).build())
                .getRun()
                .getRunId())
        .as("another tenant's key")
        .isNotEqualTo(first.getRunId());
  }

  @Test
  void runsOfOneTenantDoNotExistForAnother() {
    String runId =
        mesh.runs()
            .createRun(
                CreateRunRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("acme", ""))
                    .setSpec(TestSpecs.spec("secret"))
                    .build())
            .getRun()
            .getRunId();

    assertThatThrownBy(() -> mesh.get(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> pause(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> resume(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> cancel(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> promote(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> mesh.watchToTheEnd(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
    assertThat(
            mesh.runs()
                .listRuns(
                    ListRunsRequest.newBuilder().setMetadata(TestMesh.metadata("acme", "")).build())
                .getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(runId);
  }

  @Test
  void runsAreListedNewestFirst() {
    List<String> ids =
        IntStream.range(0, 3)
            .mapToObj(i -> mesh.create(TestSpecs.spec("r" + i)).getRunId())
            .toList();

    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(ids.get(2), ids.get(1), ids.get(0));
    assertThat(
            mesh.runs().listRuns(ListRunsRequest.newBuilder().setPageSize(1).build()).getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(ids.get(2));
    assertThatThrownBy(
            () -> mesh.runs().listRuns(ListRunsRequest.newBuilder().setPageSize(1_001).build()))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "page_size: 1,001 (expected: 0 to 1,000)"));
  }

  @Test
  void aWatcherSeesEveryIterationOnceAndComesBackWhereItWas() {
    String runId = mesh.create(TestSpecs.spec("watched")).getRunId();

    List<WatchRunResponse> all = mesh.watchToTheEnd(runId);
    Iterator<WatchRunResponse> stream =
        mesh.runs()
            .watchRun(WatchRunRequest.newBuilder().setRunId(runId).setAfterIteration(2).build());
    List<Integer> rest = new ArrayList<>();
    stream.forEachRemaining(
        seen -> {
          if (seen.hasIteration()) {
            rest.add(seen.getIteration().getIteration());
          }
        });

    assertThat(all.stream().filter(WatchRunResponse::hasIteration))
        .extracting(seen -> seen.getIteration().getIteration())
        .containsExactly(1, 2, 3);
    assertThat(all.getLast().getRun().getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(rest).containsExactly(3);
    assertThatThrownBy(
            () ->
                mesh.runs()
                    .watchRun(
                        WatchRunRequest.newBuilder().setRunId(runId).setAfterIteration(-1).build())
                    .next())
        .satisfies(thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, "after_iteration: -1"));
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void watchersKeepNobodyOutAndAllSeeTheEnd() throws Exception {
    String runId = mesh.createUpTo(1, TestSpecs.spec("watched-by-many"));
    List<Watcher> watchers = new ArrayList<>();
    while (watchers.size() < WATCHERS) {
      Watcher watcher = new Watcher();
      RunServiceGrpc.newStub(mesh.runs().getChannel())
          .watchRun(WatchRunRequest.newBuilder().setRunId(runId).build(), watcher);
      if (watcher.isTold()) { // else those before it were told, and do not wait yet
        watchers.add(watcher);
      }
    }
    assertThat(cancel(runId).getRunId()).isEqualTo(runId);
    mesh.letSample();

    for (Watcher watcher : watchers) {
      assertThat(watcher.last.get(60, TimeUnit.SECONDS)).isEqualTo(RunState.RUN_STATE_CANCELLED);
    }
  }

  /** Watches to the end. */
  private static final class Watcher implements StreamObserver<WatchRunResponse> {
    private final CompletableFuture<Boolean> told = new CompletableFuture<>();
    private final CompletableFuture<RunState> last = new CompletableFuture<>();
    private volatile RunState newest = RunState.RUN_STATE_UNSPECIFIED;

    /** Whether it was let in. */
    boolean isTold() throws Exception {
      return told.get(60, TimeUnit.SECONDS);
    }

    @Override
    public void onNext(WatchRunResponse response) {
      newest = response.getRun().getState();
      told.complete(true);
    }

    @Override
    public void onError(Throwable error) {
      told.complete(false);
      last.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      last.complete(newest);
    }
  }

  @Test
  void anUnknownRunIsNotFound() {
    for (String id : List.of("", "x", "00000000-0000-4000-8000-000000000000", "' or true; --")) {
      assertThatThrownBy(() -> mesh.get(id))
          .satisfies(
              thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run '" + id + "'"));
    }
  }

  @Test
  void aBadSpecIsRefusedByPathAndLeavesNothing() {
    assertThatThrownBy(() -> mesh.create(TestSpecs.spec("bad", "iteratoins: 3")))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "iteratoins: unknown key (did you mean 'iterations'?"));
    assertThatThrownBy(() -> mesh.create(""))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "spec: 0 bytes (expected: 1 to 1,048,576)"));
    assertThatThrownBy(() -> mesh.create("name: x\n#" + "x".repeat(1 << 20)))
        .satisfies(
            thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, "spec: 1,048,585 bytes"));
    assertThatThrownBy(
            () ->
                mesh.create(
                    TestSpecs.spec("base").replace("{model: tiny, version: 1}", "{model: none}")))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "no version 1 of none"));
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
  }

  @Test
  void aTenantHasNoMoreRunsThanItMayUntilOneEndsOrFails() throws InterruptedException {
    mesh.close();
    mesh = TestMesh.start(root.resolve("bounded"), Map.of("runs-per-tenant", "1"));
    String first = mesh.createUpTo(1, TestSpecs.spec("first"));

    full(() -> mesh.create(TestSpecs.spec("second")), "default");
    String theirs = of("other", "theirs").getRunId();
    RequestMetadata other = TestMesh.metadata("other", "");
    Run paused =
        mesh.runs()
            .pauseRun(PauseRunRequest.newBuilder().setMetadata(other).setRunId(theirs).build())
            .getRun();
    assertThat(paused.getState()).isEqualTo(RunState.RUN_STATE_PAUSED);
    full(() -> of("other", "more"), "other");

    cancel(first);
    mesh.policy.brokenPrompts = _ -> true;
    String second = of("default", "second").getRunId();
    assertThat(of("default", "second").getRunId()).as("the same key").isEqualTo(second);
    mesh.letSample();
    assertThat(mesh.awaitEnd(second).getState()).isEqualTo(RunState.RUN_STATE_FAILED);

    mesh.policy.samplePermits.drainPermits();
    of("default", "third");
    full(() -> resume(second), "default");
    mesh.letSample();
  }

  /** A run called {@code name}, which is its key, too. */
  private Run of(String tenant, String name) {
    return mesh.runs()
        .createRun(
            CreateRunRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, name))
                .setSpec(TestSpecs.spec(name))
                .build())
        .getRun();
  }

  private static void full(ThrowingCallable call, String tenant) {
    assertThatThrownBy(call)
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.RESOURCE_EXHAUSTED,
                    "tenant '"
                        + tenant
                        + "' has 1 runs that wait, learn, are tested or paused, limit 1"
                        + " (ballast.orchestrator.runs-per-tenant): ListRuns shows them (the newest"
                        + " 1,000 runs at most), CancelRun ends one"));
  }
}
