package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.algorithm.Algorithm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pairs are the best and the worst that the start says by itself, for as many tokens as others. */
class OfflinePairsTest {
  private static final AlgorithmsPlan PLAN =
      AlgorithmsPlan.standard(List.of(Algorithm.DPO), 2, 2); // 2 × 16 × 8 × 8 = 2,048 tokens
  private static final RewardSpec REWARD =
      new RewardSpec(new ModelRef("java-reward", "1"), AggregationMethod.WORST_CASE, 0.5, 0.25);
  private static final List<String> PROMPTS =
      IntStream.range(0, 100).mapToObj("prompt %d"::formatted).toList();

  @TempDir private Path data = Path.of("");
  private final List<RolloutSource.Query> queries = new ArrayList<>();

  private OfflinePairs.Made make(int seed, List<SampledCompletion> says) throws IOException {
    RolloutSource rollouts =
        query -> {
          queries.add(query);
          return query.prompts().stream()
              .<SampledPrompt>map(prompt -> new SampledPrompt.Sampled(prompt, TokenIds.of(1), says))
              .toList();
        };
    RewardOracle longer =
        (_, _, items) ->
            items.stream()
                .map(Judgeable::completion)
                .<RewardOracle.Outcome>map(
                    completion ->
                        completion.text().equals("unscored")
                            ? new RewardOracle.Outcome.Missing("busy")
                            : new RewardOracle.Outcome.Value(
                                completion.text().length(), OptionalDouble.empty()))
                .toList();
    return new OfflinePairs(
            PLAN, PROMPTS, new PinnedVersion("java-tiny", "1", "ab"), rollouts, longer)
        .make(seed, REWARD, data);
  }

  /** Of eight tokens. */
  private static SampledCompletion said(String text, boolean truncated) {
    return new SampledCompletion(
        TokenIds.of(1, 2, 3, 4, 5, 6, 7, 8), text, PerToken.of(new float[8]), truncated);
  }

  @Test
  void theBestAndTheWorstThatEndedByThemselvesArePairs() throws IOException {
    OfflinePairs.Made made =
        make(
            1,
            List.of(
                said("three", false),
                said("on", false),
                said("", false),
                said("four", false),
                said("cut off, and so in no pair", true),
                said("unscored", false)));

    // 16 prompts of 6 completions of 8 tokens are 768: three iterations reach 2,048
    assertThat(made).isEqualTo(new OfflinePairs.Made(48, 3, 2_304));
    List<String> lines = Files.readAllLines(data.resolve(OfflinePairs.file(1)));
    assertThat(lines).hasSize(48);
    JsonNode pair = new ObjectMapper().readTree(lines.getFirst());
    assertThat(pair.path("prompt").asText()).isEqualTo(queries.getFirst().prompts().getFirst());
    assertThat(pair.path("chosen").asText()).isEqualTo("three");
    assertThat(pair.path("rejected").asText()).isEqualTo("on");
  }

  @Test
  void eachPromptOnceByTheSeedsOwnDraws() throws IOException {
    var unused = make(1, List.of(said("a", false), said("bb", false)));
    List<RolloutSource.Query> first = List.copyOf(queries);
    List<String> asked = first.stream().limit(6).flatMap(q -> q.prompts().stream()).toList();
    assertThat(asked).hasSize(96).doesNotHaveDuplicates();
    assertThat(first).extracting(q -> q.sampling().seed()).doesNotHaveDuplicates();
    // 256 tokens an iteration would take 8 of them; the most that a run may have is 6
    assertThat(first).hasSize(PLAN.mostIterations());

    queries.clear();
    var again = make(1, List.of(said("a", false), said("bb", false)));
    assertThat(queries).as("the same seed, the same samples").isEqualTo(first);
    assertThat(again.pairs()).isEqualTo(96);
    queries.clear();
    var other = make(2, List.of(said("a", false), said("bb", false)));
    assertThat(queries).isNotEqualTo(first);
    assertThat(other.pairs()).isEqualTo(96);
  }

  @Test
  void theSeedsRunsBeginWithTheSamePromptsAndSamples() throws IOException {
    var unused = make(1, List.of(said("a", false), said("bb", false)));
    // of a run of this seed that learns from the same file
    PromptPlan run = new PromptPlan(List.of(new PromptPlan.Source(100, 1)), 16, 1);
    for (int i = 1; i <= queries.size(); i++) {
      RolloutSource.Query query = queries.get(i - 1);
      assertThat(query.prompts())
          .isEqualTo(run.draw(run.after(i - 1), i).indices().stream().map(PROMPTS::get).toList());
      assertThat(query.sampling().seed()).isEqualTo(run.samplingSeed(i));
      assertThat(query.completionsCount()).isEqualTo(PLAN.completions());
    }
  }

  @Test
  void equalOnesAreNoPair() throws IOException {
    assertThat(make(1, List.of(said("ab", false), said("cd", false))).pairs()).isZero();
    assertThat(Files.readString(data.resolve(OfflinePairs.file(1)))).isEmpty();
  }
}
