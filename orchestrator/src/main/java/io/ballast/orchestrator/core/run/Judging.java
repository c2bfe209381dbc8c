package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Stream;

/**
 * Rewards and costs of the completions of a round, asked for side by side. A missing reward drops
 * its completion where the recipe reads it, and is only told otherwise; a missing cost counts as
 * certain harm: training fails closed.
 */
final class Judging {
  private static final double CERTAIN_HARM = 1;

  private final RewardOracle rewards;
  private final CostOracle costs;
  private final Patiences patience;
  private final Executor executor;

  /**
   * @param executor runs the two calls; its threads may block
   */
  Judging(RewardOracle rewards, CostOracle costs, Patiences patience, Executor executor) {
    this.rewards = rewards;
    this.costs = costs;
    this.patience = patience;
    this.executor = executor;
  }

  /**
   * Judges every completion that has tokens.
   *
   * @param earlier what the iteration's earlier rounds have
   * @return all that it has then
   * @throws MeshException DEPENDENCY_BROKEN if it has no viable group then; what the peers' calls
   *     threw
   */
  JudgedRollout judge(
      String tenant, RunSpec spec, List<SampledPrompt> prompts, JudgedRollout earlier) {
    List<Judgeable> items = itemsOf(prompts);
    boolean needed = earlier.groups().isEmpty();
    return earlier.and(
        items.isEmpty() // nobody is asked about nothing; what failed is told all the same
            ? viable(spec, prompts, List.of(), Map.of(), needed)
            : judge(tenant, spec, prompts, items, needed));
  }

  private JudgedRollout judge(
      String tenant,
      RunSpec spec,
      List<SampledPrompt> prompts,
      List<Judgeable> items,
      boolean needed) {
    CompletableFuture<List<RewardOracle.Outcome>> rewardsAsked =
        CompletableFuture.supplyAsync(
            () ->
                patience
                    .rewardServer()
                    .call("score completions", () -> rewards.score(tenant, spec.reward(), items)),
            executor);
    CompletableFuture<Map<ModelRef, CostOracle.Answer>> costsAsked =
        CompletableFuture.supplyAsync(() -> costs(tenant, spec, items), executor);
    List<RewardOracle.Outcome> rewarded = Waiting.on(rewardsAsked, "judging");
    Map<ModelRef, CostOracle.Answer> cost = Waiting.on(costsAsked, "judging");
    requireOneEach("rewards", rewarded.size(), items.size());
    return viable(spec, prompts, rewarded, cost, needed);
  }

  /** Each cost model of the constraints is asked once, about the same completions. */
  private Map<ModelRef, CostOracle.Answer> costs(
      String tenant, RunSpec spec, List<Judgeable> items) {
    Map<ModelRef, CostOracle.Answer> answers = new LinkedHashMap<>();
    for (ConstraintSpec constraint : spec.constraints()) {
      if (!answers.containsKey(constraint.cost())) {
        CostOracle.Answer answer =
            patience
                .safetyServer()
                .call("cost completions", () -> costs.cost(tenant, constraint.cost(), items));
        requireOneEach("costs", answer.costs().size(), items.size());
        answers.put(constraint.cost(), answer);
      }
    }
    return answers;
  }

  private static List<Judgeable> itemsOf(List<SampledPrompt> prompts) {
    List<Judgeable> items = new ArrayList<>();
    for (SampledPrompt prompt : prompts) {
      if (prompt instanceof SampledPrompt.Sampled sampled) {
        Stream.concat(sampled.completions().stream(), sampled.beside().stream())
            .filter(completion -> completion.tokens().size() > 0)
            .forEach(completion -> items.add(new Judgeable(sampled.prompt(), completion)));
      }
    }
    return items;
  }

  private static JudgedRollout viable(
      RunSpec spec,
      List<SampledPrompt> prompts,
      List<RewardOracle.Outcome> rewarded,
      Map<ModelRef, CostOracle.Answer> costs,
      boolean needed) {
    Answers answers =
        new Answers(
            rewarded,
            spec.constraints().stream().map(each -> costs.get(each.cost())).toList(),
            spec.recipe().readsRewards());
    List<JudgedGroup> groups = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (SampledPrompt prompt : prompts) {
      List<String> failures = new ArrayList<>();
      JudgedGroup group =
          switch (prompt) {
            case SampledPrompt.Failed(String reason, long _) -> {
              failures.add(reason);
              yield new JudgedGroup("", TokenIds.of(), List.of(), List.of());
            }
            case SampledPrompt.Sampled sampled ->
                new JudgedGroup(
                    sampled.prompt(),
                    sampled.promptTokens(),
                    answers.judged(sampled.completions(), failures),
                    answers.judged(sampled.beside(), failures));
          };
      reasons.addAll(failures);
      spec.rollout()
          .groups()
          .viable(group, failures)
          .filter(viable -> hasWhatItIsComparedWith(spec, viable))
          .ifPresent(groups::add);
    }
    if (groups.isEmpty() && needed) {
      throw nothingViable(prompts, reasons);
    }
    int kept = groups.stream().mapToInt(group -> group.completions().size()).sum();
    return new JudgedRollout(
        groups,
        asked(spec, prompts) - kept,
        costs.values().stream().map(CostOracle.Answer::model).distinct().toList(),
        Stream.concat(reasons.stream(), answers.unread.stream()).findFirst().orElse(""));
  }

  /** Data has as many completions as it has; the policy writes as many as it is asked. */
  private static int asked(RunSpec spec, List<SampledPrompt> prompts) {
    return spec.fromData() ? itemsOf(prompts).size() : prompts.size() * spec.policyCompletions();
  }

  private static boolean hasWhatItIsComparedWith(RunSpec spec, JudgedGroup group) {
    return switch (spec.recipe().source()) {
      case POLICY, DATA -> true;
      case POLICY_AND_GREEDY, POLICY_AND_REFERENCE -> !group.beside().isEmpty();
    };
  }

  /** What the peers said, in the order in which they were asked. */
  private static final class Answers {
    private final List<RewardOracle.Outcome> rewards;
    private final List<CostOracle.Answer> costs;
    private final boolean rewardsAreRead;
    private final List<String> unread =
        new ArrayList<>(); // why a reward that is only shown is missing
    private int next;

    Answers(
        List<RewardOracle.Outcome> rewards, List<CostOracle.Answer> costs, boolean rewardsAreRead) {
      this.rewards = rewards;
      this.costs = costs;
      this.rewardsAreRead = rewardsAreRead;
    }

    /** Those of {@code completions} that can be learned from; why others cannot is added. */
    List<JudgedCompletion> judged(List<SampledCompletion> completions, List<String> failures) {
      List<JudgedCompletion> judged = new ArrayList<>();
      for (SampledCompletion completion : completions) {
        if (completion.tokens().size() == 0) {
          failures.add("a completion without a token");
          continue;
        }
        int item = next++;
        switch (rewards.get(item)) {
          case RewardOracle.Outcome.Value(double reward, OptionalDouble spread) ->
              judged.add(new JudgedCompletion(completion, reward, spread, costs(item)));
          case RewardOracle.Outcome.Missing(String reason) when rewardsAreRead ->
              failures.add(reason);
          case RewardOracle.Outcome.Missing(String reason) -> {
            unread.add(reason);
            judged.add(
                new JudgedCompletion(
                    completion, OptionalDouble.empty(), OptionalDouble.empty(), costs(item)));
          }
        }
      }
      return judged;
    }

    private List<Double> costs(int item) {
      return costs.stream().map(answer -> answer.costs().get(item).orElse(CERTAIN_HARM)).toList();
    }
  }

  private static MeshException nothingViable(List<SampledPrompt> prompts, List<String> reasons) {
    String first =
        prompts.stream()
            .flatMap(
                prompt ->
                    prompt instanceof SampledPrompt.Failed(String reason, long _)
                        ? Stream.of(reason)
                        : reasons.stream())
            .findFirst()
            .orElse("no completion has a token");
    return new MeshException(
        Fault.DEPENDENCY_BROKEN,
        "none of %d groups has enough judged completions to learn from; the first failure: %s"
            .formatted(prompts.size(), first));
  }

  private static void requireOneEach(String what, int answers, int items) {
    if (answers != items) {
      throw new MeshException(
          Fault.DEPENDENCY_BROKEN, "%d %s for %d items".formatted(answers, what, items));
    }
  }
}
