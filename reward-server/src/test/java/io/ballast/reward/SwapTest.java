package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static io.ballast.reward.testing.TestReward.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.FileAudit;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.reward.testing.FakeEnsembles;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An operator's file swaps the ensemble that serves again and again under callers: none fails, and
 * no answer is of two versions. {@code -Dballast.test.swaps=N} swaps N times there and back.
 *
 * <p>The reward of n characters is n/2, and by version 3, whose members give 10 more on a scale
 * with the standard deviation 2, n/2 + 5.
 */
class SwapTest {
  private static final int SWAPS = Integer.getInteger("ballast.test.swaps", 50);
  private static final List<String> COMPLETIONS = List.of("a", "bb", "ccc");

  @TempDir Path folder;

  private final AtomicBoolean swapping = new AtomicBoolean(true);
  private final AtomicInteger calls = new AtomicInteger();

  @Test
  void noCallFailsAndNoAnswerIsOfTwoVersions() throws Exception {
    Path file = serve("1");
    try (TestReward reward = TestReward.start(Map.of("serving-file", file.toString()));
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      reward.ensembles.thirdIsThere = true;
      List<Callable<ModelVersion>> kinds =
          List.of(
              () -> score(reward, "p" + calls.incrementAndGet()),
              () -> score(reward, "scored before"),
              () -> compare(reward));
      CountDownLatch started = new CountDownLatch(2 * kinds.size());
      List<Future<Integer>> callers = new ArrayList<>();
      for (int i = 0; i < 2 * kinds.size(); i++) {
        Callable<ModelVersion> kind = kinds.get(i % kinds.size());
        callers.add(executor.submit(() -> callOn(kind, started)));
      }
      started.await();
      try {
        for (int i = 0; i < SWAPS; i++) {
          swapTo(reward, "3");
          swapTo(reward, "1");
        }
      } finally {
        swapping.set(false);
      }
      for (Future<Integer> caller : callers) {
        assertThat(caller.get()).isPositive();
      }
    }
  }

  @Test
  void whatCannotServeLeavesWhatServes() throws IOException {
    Path file = serve("1");
    try (TestReward reward = TestReward.start(Map.of("serving-file", file.toString()))) {
      reward.ensembles.thirdIsThere = true;
      swapTo(reward, "3");
      var unused = serve("2");
      reward.lookAtServingFile();
      assertThat(score(reward, "p").getVersion()).as("2 is broken").isEqualTo("3");

      Files.writeString(file, "");
      reward.lookAtServingFile();
      assertThat(score(reward, "p").getVersion()).as("as the properties say").isEqualTo("1");
    }
  }

  @Test
  void eachTurnIsToldOnceInItsOrderAlsoOneThatWasMadeWhileTheServerWasDown() throws IOException {
    Path file = serve("1");
    Map<String, String> properties = Map.of("serving-file", file.toString());
    try (TestReward reward = TestReward.start(properties, trail())) {
      reward.ensembles.thirdIsThere = true;
      reward.lookAtServingFile();
      assertThat(turns()).as("as the properties say").isEmpty();

      swapTo(reward, "3");
      reward.lookAtServingFile();
      assertThat(turns()).containsExactly("1 to 3");
      var unused = serve("2");
      reward.lookAtServingFile();
      assertThat(turns()).as("2 is broken").containsExactly("1 to 3");
      swapTo(reward, "1");
      assertThat(turns()).containsExactly("1 to 3", "3 to 1");
      swapTo(reward, "3");
    }
    Files.writeString(file, "");
    try (TestReward reward = TestReward.start(properties, trail())) {
      reward.lookAtServingFile();
      assertThat(turns()).containsExactly("1 to 3", "3 to 1", "1 to 3", "3 to 1");
    }
    assertThat(trail().flaw()).isEmpty();
  }

  private FileAudit trail() {
    return new FileAudit("reward", folder.resolve("trail"), InstantSource.system());
  }

  private List<String> turns() {
    return trail().acts("model.turn").stream()
        .map(Act::details)
        .map(details -> details.get("from") + " to " + details.get("to"))
        .toList();
  }

  private int callOn(Callable<ModelVersion> kind, CountDownLatch started) throws Exception {
    int made = 0;
    started.countDown();
    while (swapping.get()) {
      var unused = kind.call();
      made++;
    }
    return made;
  }

  private void swapTo(TestReward reward, String version) throws IOException {
    var unused = serve(version);
    reward.lookAtServingFile();
    assertThat(score(reward, "p").getVersion()).isEqualTo(version);
    assertThat(compare(reward).getVersion()).isEqualTo(version);
  }

  private Path serve(String version) throws IOException {
    return Files.writeString(folder.resolve("serving"), "java-reward=%s\n".formatted(version));
  }

  /** Returns which version says that it has scored, when the numbers are its own. */
  private static ModelVersion score(TestReward reward, String prompt) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder();
    COMPLETIONS.forEach(each -> request.addItems(item(each, prompt, each)));
    ScoreResponse answer = reward.stub().score(request.build());
    requireOne(answer.getModelVersion(), answer.getResultsList(), COMPLETIONS);
    return answer.getModelVersion();
  }

  private static ModelVersion compare(TestReward reward) {
    CompareResponse answer =
        reward
            .stub()
            .compare(
                CompareRequest.newBuilder()
                    .setPrompt(text("compared"))
                    .setCompletionA(text("a"))
                    .setCompletionB(text("bb"))
                    .build());
    requireOne(answer.getModelVersion(), answer.getResultsList(), List.of("a", "bb"));
    assertThat(answer.getMemberPreferencesList())
        .extracting(each -> each.getModelVersion().getVersion())
        .containsOnly(answer.getModelVersion().getVersion());
    return answer.getModelVersion();
  }

  /** Every member of every result is of the version that the answer names, and so is each score. */
  private static void requireOne(
      ModelVersion version, List<ScoreResult> results, List<String> completions) {
    double more = version.getVersion().equals("3") ? FakeEnsembles.MORE : 0;
    assertThat(results).hasSameSizeAs(completions);
    for (int i = 0; i < completions.size(); i++) {
      int length = completions.get(i).length();
      assertThat(results.get(i).getValue()).isCloseTo((length + more) / 2, within(1e-12));
      assertThat(results.get(i).getMembersList())
          .hasSize(FakeEnsembles.MEMBERS)
          .allSatisfy(
              member ->
                  assertThat(member.getModelVersion().getVersion())
                      .isEqualTo(version.getVersion()));
    }
  }
}
