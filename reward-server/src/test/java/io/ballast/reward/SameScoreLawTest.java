package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.ModuleInProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The law of a score: it depends on the item alone, to 1e-5, not on company, place in a batch, who
 * asks beside, or whether it is known already. By ONNX Runtime on a real, random model, over the
 * wire.
 */
class SameScoreLawTest {
  private static final int ITEMS = 64;
  private static final int CALLERS = 8;
  private static final double TOLERANCE = 1e-5;

  @TempDir static Path models;
  @TempDir Path data;

  private final List<ScoreItem> items = items();

  @BeforeAll
  static void write() throws IOException {
    TinyReward.writeTo(models);
  }

  /** Lengths of 0 to 23 and 1 to 20 tokens; a third of the prompts have several completions. */
  private static List<ScoreItem> items() {
    SplittableRandom random = new SplittableRandom(3);
    List<ScoreItem> items = new ArrayList<>();
    String prompt = "";
    for (int i = 0; i < ITEMS; i++) {
      prompt = random.nextInt(3) == 0 ? prompt : text(random, random.nextInt(24));
      items.add(TestReward.item("i" + i, prompt, i + text(random, 1 + random.nextInt(18))));
    }
    return items;
  }

  private static String text(SplittableRandom random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString();
  }

  @Test
  void aScoreDoesNotDependOnCompanyPlaceOrCallers() throws Exception {
    try (ModuleInProcess server = start("0")) {
      RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(server.channel());
      Map<String, ScoreResult> alone = new HashMap<>();
      for (ScoreItem item : items) {
        alone.putAll(score(stub, true, List.of(item)));
      }

      assertSame(alone, score(stub, true, items));
      for (int seed = 0; seed < 4; seed++) {
        assertSame(alone, score(stub, true, shuffled(seed)));
      }
      for (Map<String, ScoreResult> of : atOnce(stub, true)) {
        assertSame(alone, of);
        assertThat(of.values()).noneMatch(ScoreResult::getFromCache);
      }
    }
  }

  @Test
  void aKnownScoreIsTheScoreItself() throws Exception {
    try (ModuleInProcess unkept = start("0");
        ModuleInProcess keeping = start("1000000")) {
      Map<String, ScoreResult> scored =
          score(RewardServiceGrpc.newBlockingStub(unkept.channel()), true, items);
      RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(keeping.channel());
      List<Map<String, ScoreResult>> first = atOnce(stub, false);
      Map<String, ScoreResult> again = score(stub, false, shuffled(9));

      first.forEach(of -> assertSame(scored, of));
      assertSame(scored, again);
      assertThat(again.values()).allMatch(ScoreResult::getFromCache);
    }
  }

  private ModuleInProcess start(String cacheBytes) {
    return TestReward.module(
        List.of(models),
        data,
        Map.of(
            "default-model",
            TinyReward.NAME,
            "cache-bytes",
            cacheBytes,
            "batch-tokens",
            "200", // several batches, each of another mix
            "workers",
            "2"));
  }

  /** The results of callers who ask at once, each in another order. */
  private List<Map<String, ScoreResult>> atOnce(RewardServiceBlockingStub stub, boolean anew)
      throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Map<String, ScoreResult>>> asked = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        int seed = 100 + caller;
        asked.add(callers.submit(() -> score(stub, anew, shuffled(seed))));
      }
      List<Map<String, ScoreResult>> results = new ArrayList<>();
      for (Future<Map<String, ScoreResult>> one : asked) {
        results.add(one.get());
      }
      return results;
    }
  }

  private List<ScoreItem> shuffled(int seed) {
    List<ScoreItem> shuffled = new ArrayList<>(items);
    Collections.shuffle(shuffled, new Random(seed));
    return shuffled;
  }

  /**
   * @param anew whether the members score all of it, though they did before
   */
  private static Map<String, ScoreResult> score(
      RewardServiceBlockingStub stub, boolean anew, List<ScoreItem> items) {
    Map<String, ScoreResult> results = new HashMap<>();
    stub.score(ScoreRequest.newBuilder().setBypassCache(anew).addAllItems(items).build())
        .getResultsList()
        .forEach(result -> results.put(result.getItemId(), result));
    return results;
  }

  private static void assertSame(Map<String, ScoreResult> expected, Map<String, ScoreResult> got) {
    got.forEach(
        (id, result) -> {
          ScoreResult other = Objects.requireNonNull(expected.get(id), id);
          assertThat(result.hasValue()).as(id).isTrue();
          assertThat(result.getValue()).as(id).isCloseTo(other.getValue(), within(TOLERANCE));
          assertThat(raw(result)).as(id).hasSize(TinyReward.MEMBERS);
          for (int k = 0; k < TinyReward.MEMBERS; k++) {
            assertThat(raw(result).get(k))
                .as("%s, member %d", id, k)
                .isCloseTo(raw(other).get(k), within(TOLERANCE));
          }
        });
    assertThat(expected.values().stream().map(ScoreResult::getValue).distinct().count())
        .as("scores that differ: equal ones prove nothing")
        .isGreaterThan(ITEMS / 2);
  }

  private static List<Double> raw(ScoreResult result) {
    return result.getMembersList().stream().map(MemberScore::getRawScore).toList();
  }
}
