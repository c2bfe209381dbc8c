package io.ballast.reward.core;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.ItemReading;
import io.ballast.inference.scoring.ItemReading.ItemRefusal;
import io.ballast.inference.scoring.ScoringCatalog.Served;
import io.ballast.inference.scoring.SeenItem;
import io.ballast.kit.batching.Shared;
import io.ballast.kit.batching.SharedAnswers;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.LoadedVersions.Lease;
import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.RewardJudge.Judgement;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.aggregation.PessimisticSide;
import io.ballast.rl.aggregation.ScoreAggregator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of a request: validate each item → tokenise → what is known already → batch across
 * callers → members in one pass → normalise → aggregate → a value or a typed failure for each item.
 * Thread-safe.
 */
public final class RewardFlow implements RewardScorer {
  private final EnsembleCatalog catalog;
  private final RewardSettings settings;
  private final ItemLimits limits;
  private final SharedAnswers<TokenIds, TokenIds, CompletionScores> scores;
  private final LongSupplier nanoTime;

  /**
   * @param scores asks the ensembles' queues
   */
  public RewardFlow(
      EnsembleCatalog catalog,
      RewardSettings settings,
      ItemLimits limits,
      SharedAnswers<TokenIds, TokenIds, CompletionScores> scores,
      LongSupplier nanoTime) {
    this.catalog = catalog;
    this.settings = settings;
    this.limits = limits;
    this.scores = scores;
    this.nanoTime = nanoTime;
  }

  @Override
  public ScoreAnswer score(ScoreCommand command, CallPatience patience) {
    List<String> ids = ItemIds.of(command.items(), limits.items());
    ScoreAggregator aggregator = aggregator(command.aggregation());
    try (Lease<Served<Ensemble, CompletionScores>> lease =
        catalog.find(command.ensemble(), command.behalf(), patience)) {
      Served<Ensemble, CompletionScores> served = lease.value();
      RewardJudge judge =
          new RewardJudge(
              served.model(), settings.quorum(served.model(), aggregator.method()), aggregator);
      ItemReading reader =
          served.reader(limits.textBytes(), limits.promptTokens(), command.truncation());
      return new OneCall(served, reader, judge, patience).answer(command, ids);
    }
  }

  /**
   * How many members of {@code ensemble} must answer for a value by {@code method}; null: by the
   * server's default.
   */
  public int quorum(Ensemble ensemble, @Nullable AggregationMethod method) {
    return settings.quorum(ensemble, method == null ? settings.method() : method).members();
  }

  /** The most prompt tokens that {@code ensemble} sees; 0: as many as have room. */
  public int promptTokens(Ensemble ensemble) {
    return ensemble.promptTokens().orElse(limits.promptTokens());
  }

  @Override
  public int maxItems() {
    return limits.items();
  }

  /** The aggregations that a request may ask for. */
  public List<AggregationMethod> allowedAggregations() {
    return settings.allowed();
  }

  /**
   * The aggregation that a request gets.
   *
   * @throws MeshException MALFORMED_REQUEST if a parameter is out of its range, or the operator
   *     does not allow the method
   */
  public ScoreAggregator aggregator(AggregationChoice choice) {
    AggregationMethod method = choice.method();
    if (method != null && !settings.allowed().contains(method)) {
      throw Texts.malformed(
          "aggregation.method",
          "%s is not allowed on this server (allowed: %s)"
              .formatted(AggregationNames.of(method), AggregationNames.of(settings.allowed())));
    }
    Double lambda = choice.uwoLambda();
    if (lambda != null && !(lambda >= 0 && Double.isFinite(lambda))) {
      throw Texts.malformed("aggregation.uwo_lambda", lambda + " (expected: finite, ≥ 0)");
    }
    Double quantile = choice.quantile();
    if (quantile != null && !(quantile > 0 && quantile <= 0.5)) {
      throw Texts.malformed("aggregation.quantile", quantile + " (expected: above 0, at most 0.5)");
    }
    return new ScoreAggregator(
        method == null ? settings.method() : method,
        lambda == null ? settings.uwoLambda() : lambda,
        quantile == null ? settings.quantile() : quantile,
        PessimisticSide.LOW);
  }

  /** One request on its way. */
  private final class OneCall {
    private final Served<Ensemble, CompletionScores> served;
    private final ItemReading reader;
    private final RewardJudge judge;
    private final CallPatience patience;
    private final long arrival = nanoTime.getAsLong();

    private OneCall(
        Served<Ensemble, CompletionScores> served,
        ItemReading reader,
        RewardJudge judge,
        CallPatience patience) {
      this.served = served;
      this.reader = reader;
      this.judge = judge;
      this.patience = patience;
    }

    /** Where an item's completion went. */
    private sealed interface Place {
      /** To the model, at this index of its prompt's group. */
      record Queued(SeenItem item, int index) implements Place {}

      /** Nowhere. */
      record Refused(ItemFault fault) implements Place {}
    }

    private ScoreAnswer answer(ScoreCommand command, List<String> ids) {
      Map<TokenIds, List<TokenIds>> byPrompt = new LinkedHashMap<>();
      List<Place> places = new ArrayList<>();
      for (ScoreItem item : command.items()) {
        try {
          SeenItem seen = reader.read(item.path(), item.prompt(), item.completion());
          List<TokenIds> completions =
              byPrompt.computeIfAbsent(seen.prompt(), unseen -> new ArrayList<>());
          places.add(new Place.Queued(seen, completions.size()));
          completions.add(seen.completion());
        } catch (ItemRefusal refusal) {
          places.add(new Place.Refused(refusal.fault()));
        }
      }
      Duration tokenise = since(arrival);
      Map<TokenIds, List<Shared<CompletionScores>>> answers =
          command.anew()
              ? scores.askAnew(served.queues(), byPrompt, command.lane(), patience)
              : scores.ask(
                  command.behalf().tenant(),
                  served.model().id(),
                  served.queues(),
                  byPrompt,
                  command.lane(),
                  patience);
      List<ScoredItem> items = new ArrayList<>();
      for (int i = 0; i < ids.size(); i++) {
        items.add(
            switch (places.get(i)) {
              case Place.Queued queued -> judged(ids.get(i), queued, answers, tokenise);
              case Place.Refused refused ->
                  new ScoredItem(
                      ids.get(i),
                      new Reward.Failed(refused.fault()),
                      List.of(),
                      Optional.empty(),
                      false,
                      new PhaseTimes(
                          Duration.ZERO,
                          Duration.ZERO,
                          tokenise,
                          Duration.ZERO,
                          Duration.ZERO,
                          since(arrival)));
            });
      }
      return new ScoreAnswer(
          items,
          new ScoredBy.Members(served.model(), judge.aggregator(), judge.quorum().members()),
          longest(items));
    }

    private ScoredItem judged(
        String id,
        Place.Queued place,
        Map<TokenIds, List<Shared<CompletionScores>>> answers,
        Duration tokenise) {
      Shared<CompletionScores> answer =
          Objects.requireNonNull(answers.get(place.item().prompt())).get(place.index());
      long started = nanoTime.getAsLong();
      Judgement judgement = judge.judge(answer.result());
      return new ScoredItem(
          id,
          judgement.reward(),
          judgement.members(),
          place.item().cut(),
          answer.fromCache(),
          ObjectiveScores.of(
              served.model(), judgement.reward(), judgement.members(), answer.infer()),
          new PhaseTimes(
              answer.queue(),
              answer.batchWait(),
              tokenise,
              answer.infer(),
              since(started),
              since(arrival)));
    }

    private PhaseTimes longest(List<ScoredItem> items) {
      Duration queue = Duration.ZERO;
      Duration batchWait = Duration.ZERO;
      Duration tokenise = Duration.ZERO;
      Duration infer = Duration.ZERO;
      Duration aggregate = Duration.ZERO;
      for (ScoredItem item : items) {
        PhaseTimes times = item.times();
        queue = longer(queue, times.queue());
        batchWait = longer(batchWait, times.batchWait());
        tokenise = longer(tokenise, times.tokenise());
        infer = longer(infer, times.infer());
        aggregate = aggregate.plus(times.aggregate());
      }
      return new PhaseTimes(queue, batchWait, tokenise, infer, aggregate, since(arrival));
    }

    private Duration since(long start) {
      return Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - start));
    }
  }

  private static Duration longer(Duration a, Duration b) {
    return a.compareTo(b) >= 0 ? a : b;
  }
}
