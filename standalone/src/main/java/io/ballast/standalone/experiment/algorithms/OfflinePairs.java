package io.ballast.standalone.experiment.algorithms;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.adapter.GrpcRewards;
import io.ballast.orchestrator.adapter.GrpcRollouts;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.grpc.Channel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Labelled data for algorithms that sample nothing: the start's own completions of the prompts that
 * runs learn from, as many tokens of them as the budget, and of each prompt the best and the worst
 * by the runs' reward. Prompts and samples of a seed are those that its runs begin with: the
 * prompts of their iterations, as they draw them, and what the start says to those by their seeds.
 * What was cut off, or says nothing, is in no pair: a row of data is a text with its end. Threads
 * may share one.
 */
final class OfflinePairs {
  /**
   * Of how pairs are made: another way of it is another number, and its curves are other curves.
   */
  static final int VERSION = 2;

  private static final Duration CALL = Duration.ofMinutes(2);
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final int RETRIES = 200;
  private static final String TENANT = "experiment";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final AlgorithmsPlan plan;
  private final List<String> prompts;
  private final PinnedVersion start;
  private final RolloutSource rollouts;
  private final RewardOracle rewards;

  /**
   * Binds who samples and who rewards.
   *
   * @param prompts that runs learn from
   * @param start the version that samples
   */
  OfflinePairs(
      AlgorithmsPlan plan,
      List<String> prompts,
      PinnedVersion start,
      RolloutSource rollouts,
      RewardOracle rewards) {
    this.plan = plan;
    this.prompts = List.copyOf(prompts);
    this.start = start;
    this.rollouts = rollouts;
    this.rewards = rewards;
  }

  /** Asks a mesh as a run does, and waits where it is busy. */
  static OfflinePairs through(
      Channel channel, AlgorithmsPlan plan, List<String> prompts, PinnedVersion start) {
    RolloutSource rollouts = new GrpcRollouts(channel, CALL);
    RewardOracle rewards = new GrpcRewards(channel, CALL);
    return new OfflinePairs(
        plan,
        prompts,
        start,
        query -> patience().call("sample pairs", () -> rollouts.sample(query)),
        (tenant, spec, items) ->
            patience().call("score pairs", () -> rewards.score(tenant, spec, items)));
  }

  private static Patience patience() {
    LongSupplier nanos = System::nanoTime;
    return new Patience(
        new Patience.Limits(PATIENCE, Duration.ofMillis(200), Duration.ofSeconds(5)),
        new RetryBudget(RETRIES, 1),
        time -> TimeUnit.NANOSECONDS.sleep(time.toNanos()),
        nanos,
        new SplittableRandom(1));
  }

  /** What a run of {@code seed} reads, below the mesh's data folder. */
  static String file(int seed) {
    return "preferences/pairs-%d.jsonl".formatted(seed);
  }

  /**
   * What was made.
   *
   * @param pairs how many
   * @param updates iterations that sampled as many: one pass over the pairs, if every prompt gave
   *     one
   * @param tokens of the completions that were sampled, in pairs or not
   */
  record Made(int pairs, int updates, long tokens) {}

  /** A prompt and what is said to be better and worse. */
  private record Pair(String prompt, String chosen, String rejected) {}

  private record Scored(String text, double reward) {}

  /** Samples, labels, and writes the pairs of a seed into {@code data}. */
  Made make(int seed, RewardSpec reward, Path data) throws IOException {
    PromptPlan runs =
        new PromptPlan(List.of(new PromptPlan.Source(prompts.size(), 1)), plan.prompts(), seed);
    DataCursor cursor = runs.after(0);
    List<Pair> pairs = new ArrayList<>();
    long tokens = 0;
    int updates = 0;
    for (; tokens < plan.tokens() && updates < plan.mostIterations(); updates++) {
      int iteration = updates + 1;
      PromptPlan.Draw drawn = runs.draw(cursor, iteration);
      cursor = drawn.next();
      List<SampledPrompt> sampled =
          rollouts.sample(
              new RolloutSource.Query(
                  TENANT,
                  start,
                  drawn.indices().stream().map(prompts::get).toList(),
                  plan.completions(),
                  sampling(runs.samplingSeed(iteration)),
                  AlgorithmsPlan.PROMPT_TOKENS));
      tokens += sampled.stream().mapToLong(SampledPrompt::sampledTokens).sum();
      pairs.addAll(pairs(sampled, reward));
    }
    write(pairs, data.resolve(file(seed)));
    return new Made(pairs.size(), updates, tokens);
  }

  private static SamplingOptions sampling(long seed) {
    return SamplingOptions.builder()
        .maxNewTokens(AlgorithmsPlan.NEW_TOKENS)
        .stopStrings(AlgorithmsPlan.STOPS)
        .seed(seed)
        .build();
  }

  /** How they are made, for all seeds. */
  static String how() {
    return "pairs %d of %s".formatted(VERSION, sampling(0));
  }

  private List<Pair> pairs(List<SampledPrompt> sampled, RewardSpec reward) {
    List<Judgeable> items = new ArrayList<>();
    for (SampledPrompt each : sampled) {
      if (each instanceof SampledPrompt.Sampled group) {
        group.completions().stream()
            .filter(completion -> !completion.truncated() && !completion.text().isEmpty())
            .forEach(completion -> items.add(new Judgeable(group.prompt(), completion)));
      }
    }
    if (items.isEmpty()) {
      return List.of();
    }
    List<RewardOracle.Outcome> outcomes = rewards.score(TENANT, reward, items);
    Map<String, List<Scored>> byPrompt = new LinkedHashMap<>();
    for (int i = 0; i < items.size(); i++) {
      if (outcomes.get(i) instanceof RewardOracle.Outcome.Value value) {
        byPrompt
            .computeIfAbsent(items.get(i).prompt(), _ -> new ArrayList<>())
            .add(new Scored(items.get(i).completion().text(), value.reward()));
      }
    }
    List<Pair> pairs = new ArrayList<>();
    byPrompt.forEach((prompt, scored) -> pair(prompt, scored).ifPresent(pairs::add));
    return pairs;
  }

  private static Optional<Pair> pair(String prompt, List<Scored> scored) {
    Scored best = Collections.max(scored, Comparator.comparingDouble(Scored::reward));
    Scored worst = Collections.min(scored, Comparator.comparingDouble(Scored::reward));
    return best.reward() > worst.reward() && !best.text().equals(worst.text())
        ? Optional.of(new Pair(prompt, best.text(), worst.text()))
        : Optional.empty();
  }

  private static void write(List<Pair> pairs, Path file) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (Pair pair : pairs) {
      lines.append(line(pair)).append('\n');
    }
    Files.createDirectories(file.getParent());
    Files.writeString(file, lines, StandardCharsets.UTF_8);
  }

  private static String line(Pair pair) throws JsonProcessingException {
    return JSON.writeValueAsString(
        JSON.createObjectNode()
            .put("prompt", pair.prompt())
            .put("chosen", pair.chosen())
            .put("rejected", pair.rejected()));
  }
}
