package io.ballast.reward.component;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.call.PromptCut;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.ComponentScore;
import io.ballast.reward.core.ItemIds;
import io.ballast.reward.core.ItemLimits;
import io.ballast.reward.core.Reward;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoredBy;
import io.ballast.reward.core.ScoredItem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/**
 * The way of a request to a composite: validate → all components side by side → the expression → a
 * value or a typed failure for each item. A request that names an ensemble is passed on.
 * Thread-safe.
 */
public final class CompositeFlow implements RewardScorer {
  private static final int MAX_REFERENCES = 16;

  private final CompositeCatalog composites;
  private final RewardScorer ensembles;
  private final Tools tools;
  private final ItemLimits limits;
  private final Patience waits;
  private final Executor executor;
  private final LongSupplier nanoTime;

  /**
   * How long an answer may take.
   *
   * @param timeout if the caller waits for ever
   * @param reserve how long before the caller's deadline the answer is given, whatever is there
   */
  public record Patience(Duration timeout, Duration reserve) {}

  /**
   * @param executor runs components, each in a thread of its own, in the caller's context
   */
  public CompositeFlow(
      CompositeCatalog composites,
      Tools tools,
      ItemLimits limits,
      Patience waits,
      Executor executor,
      LongSupplier nanoTime) {
    this.composites = composites;
    this.ensembles = tools.ensembles();
    this.tools =
        new Tools(
            new ComponentEnsembles(tools.ensembles(), composites), tools.tokens(), tools.outside());
    this.limits = limits;
    this.waits = waits;
    this.executor = executor;
    this.nanoTime = nanoTime;
  }

  @Override
  public int maxItems() {
    return limits.items();
  }

  @Override
  public ScoreAnswer score(ScoreCommand command, CallPatience patience) {
    Optional<Composite> known = composites.find(command.ensemble());
    if (known.isPresent()) {
      return judge(known.get(), command, patience);
    }
    try {
      return ensembles.score(command, patience);
    } catch (MeshException e) {
      if (e.fault() != Fault.UNKNOWN_MODEL) {
        throw e;
      }
      composites.refresh();
      Composite composite =
          composites
              .find(command.ensemble())
              .orElseThrow(() -> composites.missing(command.ensemble()).orElse(e));
      return judge(composite, command, patience);
    }
  }

  private ScoreAnswer judge(Composite composite, ScoreCommand command, CallPatience patience) {
    long arrival = nanoTime.getAsLong();
    if (!command.aggregation().equals(AggregationChoice.unspecified())) {
      throw Texts.malformed(
          "aggregation",
          "given (expected: absent, since %s is a composite, which says it itself)"
              .formatted(composite.id().model()));
    }
    List<String> ids = ItemIds.of(command.items(), limits.items());
    command.items().stream()
        .filter(item -> item.references().size() > MAX_REFERENCES)
        .findFirst()
        .ifPresent(
            item -> {
              throw Texts.malformed(
                  item.path() + ".references",
                  "%,d (expected: at most %d)".formatted(item.references().size(), MAX_REFERENCES));
            });
    List<Candidate> candidates =
        command.items().stream().map(item -> new Candidate(item, limits.textBytes())).toList();
    List<List<ComponentScore>> scores =
        new ComponentRun(
                new Judging(command, composite.recipe(), patience, tools),
                candidates,
                waits.reserve(),
                nanoTime)
            // an ensemble that answers at its end says itself which items were late
            .run(executor, waits.timeout().plus(waits.reserve()));
    List<ScoredItem> items = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      long began = nanoTime.getAsLong();
      Reward reward = reward(composite.recipe(), scores.get(i));
      items.add(
          new ScoredItem(
              ids.get(i),
              reward,
              List.of(),
              cut(scores.get(i)),
              false,
              scores.get(i),
              times(since(began), since(arrival))));
    }
    return new ScoreAnswer(
        items,
        new ScoredBy.Composite(composite.id(), composite.recipe().preferenceScale()),
        times(
            items.stream()
                .map(item -> item.times().aggregate())
                .reduce(Duration.ZERO, Duration::plus),
            since(arrival)));
  }

  /** A part that failed is never left out, whichever way the expression would have gone. */
  private static Reward reward(Recipe recipe, List<ComponentScore> scores) {
    Map<String, Double> values = new HashMap<>();
    List<ItemFault> faults = new ArrayList<>();
    for (ComponentScore score : scores) {
      switch (score.outcome()) {
        case ComponentOutcome.Value value -> values.put(score.name(), value.value());
        case ComponentOutcome.Failed failed ->
            faults.add(
                new ItemFault(
                    failed.fault().reason(),
                    "component '%s': %s".formatted(score.name(), failed.fault().message())));
      }
    }
    if (!faults.isEmpty()) {
      return new Reward.Failed(
          new ItemFault(
              faults.getFirst().reason(),
              String.join("; ", faults.stream().map(ItemFault::message).toList())));
    }
    double value = recipe.reward().value(name -> Objects.requireNonNull(values.get(name)));
    return Double.isFinite(value)
        ? Reward.Value.of(value)
        : new Reward.Failed(
            new ItemFault(
                ItemFault.Reason.MODEL_ERROR,
                "the expression of finite components gives %s (expected: finite)"
                    .formatted(value)));
  }

  /** Of the first learned component that did not see all of the prompt. */
  private static Optional<PromptCut> cut(List<ComponentScore> scores) {
    return scores.stream()
        .flatMap(score -> score.voices().stream())
        .flatMap(voices -> voices.cut().stream())
        .findFirst();
  }

  private static PhaseTimes times(Duration aggregate, Duration total) {
    return new PhaseTimes(
        Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, aggregate, total);
  }

  private Duration since(long start) {
    return Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - start));
  }
}
