package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * Policy and gate are swapped again and again under callers of every kind: none fails, and no
 * answer is of two versions. {@code -Dballast.test.swaps=N} swaps N times there and back.
 */
class SwapTest {
  private static final int SWAPS = Integer.getInteger("ballast.test.swaps", 30);
  private static final int CALLERS_OF_A_KIND = 2;

  private final AtomicBoolean swapping = new AtomicBoolean(true);
  private final TestMesh mesh;

  SwapTest() {
    FakeModels models = new FakeModels();
    models.publish("2", request -> "suggestion by 2;");
    mesh = TestMesh.start(models);
  }

  @Test
  void noCallFailsAndNoAnswerIsOfTwoVersions() throws Exception {
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion("2").build());
    serveGate("1");
    List<Callable<?>> kinds = List.of(this::suggest, this::stream, this::sample);
    CountDownLatch started = new CountDownLatch(kinds.size() * CALLERS_OF_A_KIND);
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> callers = new ArrayList<>();
      for (Callable<?> kind : kinds) {
        for (int i = 0; i < CALLERS_OF_A_KIND; i++) {
          callers.add(executor.submit(() -> callOn(kind, started)));
        }
      }
      started.await();
      try {
        for (int i = 0; i < SWAPS; i++) {
          swapThereAndBack(i);
        }
      } finally {
        swapping.set(false);
      }
      for (Future<Integer> caller : callers) {
        assertThat(caller.get()).isPositive();
      }
    } finally {
      mesh.close();
    }
  }

  private int callOn(Callable<?> kind, CountDownLatch started) throws Exception {
    int calls = 0;
    started.countDown();
    while (swapping.get()) {
      kind.call();
      calls++;
    }
    return calls;
  }

  private void swapThereAndBack(int i) {
    mesh.safety.certificates.issue("c" + i, "2", "1");
    var unused =
        mesh.versions()
            .promoteAlias(
                PromoteAliasRequest.newBuilder()
                    .setExpectedVersion("1")
                    .setNewVersion("2")
                    .setCertificateId("c" + i)
                    .build());
    serveGate("2");
    var alsoUnused = mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());
    serveGate("1");
  }

  /** Stage by stage, as replicas are replaced one by one. */
  private void serveGate(String version) {
    mesh.safety.stageOne = stage("context", version, "suggestion", GateOutcome.GATE_OUTCOME_REFER);
    mesh.safety.stageTwo = stage("suggestion", version, "context", GateOutcome.GATE_OUTCOME_PASS);
  }

  private static GateStageAnswer stage(
      String model, String version, String other, GateOutcome outcome) {
    return answer(outcome, 0.5, 1).toBuilder()
        .setModelVersion(ModelVersion.newBuilder().setModel(model).setVersion(version))
        .setOtherGateVersion(ModelVersion.newBuilder().setModel(other).setVersion(version))
        .build();
  }

  private SuggestResponse suggest() {
    return requireOne(mesh.policy().suggest(request()));
  }

  private SuggestResponse stream() {
    StringBuilder shown = new StringBuilder();
    Iterator<SuggestStreamResponse> events =
        mesh.policy()
            .suggestStream(SuggestStreamRequest.newBuilder().setRequest(request()).build());
    while (true) {
      SuggestStreamResponse event = events.next();
      if (event.hasFinished()) {
        SuggestResponse answer = requireOne(event.getFinished());
        assertThat(answer.getText()).isEqualTo(shown.toString());
        return answer;
      }
      shown.append(event.getTextDelta());
    }
  }

  private static SuggestRequest request() {
    return SuggestRequest.newBuilder()
        .setPrompt("a")
        .setCandidatesCount(1)
        .setWithReward(true)
        .setWithCost(true)
        .build();
  }

  private static SuggestResponse requireOne(SuggestResponse answer) {
    assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(answer.getText())
        .isEqualTo("suggestion by %s;".formatted(answer.getPolicyVersion().getVersion()));
    if (answer.hasStageTwo()) {
      assertThat(answer.getStageTwo().getModelVersion().getVersion())
          .isEqualTo(answer.getStageOne().getModelVersion().getVersion());
    } else {
      assertThat(answer.getDegradationsList()).as("it says why").isNotEmpty();
    }
    return answer;
  }

  private SampleResponse sample() {
    SampleResponse answer =
        mesh.policy()
            .sample(
                SampleRequest.newBuilder()
                    .addPrompts(TextOrTokens.newBuilder().setText("a"))
                    .addPrompts(TextOrTokens.newBuilder().setText("b"))
                    .setCompletionsCount(4)
                    .build());
    String text = "suggestion by %s;".formatted(answer.getPolicyVersion().getVersion());
    assertThat(answer.getResultsList())
        .hasSize(2)
        .allSatisfy(
            result ->
                assertThat(result.getGroup().getCompletionsList())
                    .hasSize(4)
                    .allSatisfy(
                        completion -> {
                          assertThat(completion.getText()).isEqualTo(text);
                          assertThat(completion.getVersionSpansList())
                              .allSatisfy(
                                  span ->
                                      assertThat(span.getPolicyVersion())
                                          .isEqualTo(answer.getPolicyVersion()));
                        }));
    return answer;
  }
}
