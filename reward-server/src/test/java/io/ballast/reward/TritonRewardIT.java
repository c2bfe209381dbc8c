package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.Await;
import io.ballast.testing.ModuleInProcess;
import io.ballast.testing.RealTriton;
import io.ballast.testing.TritonJudgeContract;
import io.grpc.Channel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * A reward-server before a real Triton of the committed ensemble, beside one that runs it itself.
 */
class TritonRewardIT extends TritonJudgeContract<ScoreResponse> {
  /** As by default, but for how long a batch may wait: a busy machine takes its time. */
  private static final Queue PATIENT =
      new Queue(
          Optional.of(64),
          Optional.of(Duration.ofMinutes(2)),
          ExportOptions.TimeoutAction.REJECT,
          true,
          true);

  @Override
  protected String model() {
    return "java-reward";
  }

  @Override
  protected List<String> versions() {
    return List.of("1");
  }

  @Override
  protected void export(Path repository) throws IOException {
    new TritonExport(repository, ExportOptions.defaults().with(PATIENT))
        .scoring(
            "java-reward",
            List.of(new Version(1, MODELS.resolve("java-reward/1"))),
            trunk -> MODELS.resolve(trunk.model()).resolve(trunk.version()));
  }

  @Override
  protected ModuleInProcess start(Path data, Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.put("cache-bytes", "0"); // what is known is answered without Triton: here it is asked
    return TestReward.module(List.of(MODELS), data, all);
  }

  @Override
  protected ScoreResponse ask(Channel server, String version, List<Judged> items) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder().setRewardModel(ModelSelector.newBuilder().setVersion(version));
    items.forEach(item -> request.addItems(TestReward.item("", item.prompt(), item.completion())));
    return RewardServiceGrpc.newBlockingStub(server).score(request.build());
  }

  @Override
  protected void assertThatSame(ScoreResponse answer, ScoreResponse expected) {
    assertThat(answer.getModelVersion()).isEqualTo(expected.getModelVersion());
    assertThat(answer.getResultsCount()).isEqualTo(expected.getResultsCount());
    for (int i = 0; i < expected.getResultsCount(); i++) {
      ScoreResult result = answer.getResults(i);
      ScoreResult other = expected.getResults(i);
      assertThat(result.hasValue()).isEqualTo(other.hasValue());
      assertThat(result.getFailure().getReason()).isEqualTo(other.getFailure().getReason());
      assertThat(result.getValue()).isCloseTo(other.getValue(), within(TOLERANCE));
      assertThat(result.getSpread()).isCloseTo(other.getSpread(), within(TOLERANCE));
      assertThat(result.getMembersCount()).isEqualTo(other.getMembersCount());
      for (int k = 0; k < other.getMembersCount(); k++) {
        assertThat(result.getMembers(k).getModelVersion())
            .isEqualTo(other.getMembers(k).getModelVersion());
        assertThat(result.getMembers(k).getRawScore())
            .isCloseTo(other.getMembers(k).getRawScore(), within(TOLERANCE));
        assertThat(result.getMembers(k).getNormalisedScore())
            .isCloseTo(other.getMembers(k).getNormalisedScore(), within(TOLERANCE));
      }
    }
  }

  @Test
  void aPersonDoesNotWaitForAFlood() throws Exception {
    RealTriton triton = triton();
    Map<String, String> patient = new HashMap<>(before(triton));
    patient.put("triton.timeout", "PT2M"); // of each batch, the seven before it included
    patient.put("triton.batch-tokens", "256"); // so that most of it waits
    ModuleInProcess there = started(patient);
    assertThat(answers(there)).isTrue();
    ScoreRequest.Builder flood = ScoreRequest.newBuilder();
    for (int i = 0; i < 1_000; i++) {
      flood.addItems(TestReward.item("", "int a" + i + " = ", "b" + i + ".size() + " + i + ";"));
    }
    flood.setMetadata(RequestMetadata.newBuilder().setPriority(Priority.PRIORITY_BATCH));
    triton.freeze(); // so that none of it is judged before the person comes
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<ScoreResponse> batch =
          executor.submit(
              () -> RewardServiceGrpc.newBlockingStub(there.channel()).score(flood.build()));
      Await.until(
          () -> there.runtime().meters().get("ballast.reward.waiting.tokens").gauge().value() > 0);
      Future<Boolean> person = executor.submit(() -> answers(there) && !batch.isDone());
      triton.thaw();

      assertThat(person.get()).as("a person's call ends before the flood").isTrue();
      assertThat(batch.get().getResultsList())
          .allSatisfy(item -> assertThat(item.hasValue()).isTrue());
    }
  }
}
