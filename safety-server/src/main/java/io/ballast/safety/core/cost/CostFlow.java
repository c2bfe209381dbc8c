package io.ballast.safety.core.cost;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.ItemReading;
import io.ballast.inference.scoring.ItemReading.ItemRefusal;
import io.ballast.inference.scoring.ScoringCatalog.Served;
import io.ballast.inference.scoring.SeenItem;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.batching.Batched;
import io.ballast.kit.batching.BatchedAnswers;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.LoadedVersions.Lease;
import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.SafetyMonitor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * The way of a request for costs: validate each item → tokenise → batch across callers → heads in
 * one pass → the highest, calibrated → verdict. One bad item fails alone, and is blocked.
 * Thread-safe.
 */
public final class CostFlow implements CostScorer {
  private static final int MAX_ID_CHARACTERS = 128;

  private final CostCatalog catalog;
  private final CostSettings settings;
  private final ItemLimits limits;
  private final SafetyMonitor monitor;
  private final LongSupplier nanoTime;
  private final BatchedAnswers batched;

  public CostFlow(
      CostCatalog catalog,
      CostSettings settings,
      ItemLimits limits,
      SafetyMonitor monitor,
      LongSupplier nanoTime) {
    this.catalog = catalog;
    this.settings = settings;
    this.limits = limits;
    this.monitor = monitor;
    this.nanoTime = nanoTime;
    this.batched =
        new BatchedAnswers(settings.modelTimeout(), settings.deadlineReserve(), nanoTime);
  }

  /**
   * Judges items.
   *
   * @throws MeshException MALFORMED_REQUEST for no items, too many, ids that are too long or not
   *     unique, or a threshold outside 0 to 1; UNKNOWN_MODEL; PRECONDITION_FAILED if the model has
   *     no boundary; CORRUPT_WEIGHTS; OVERLOADED; DEPENDENCY_DOWN if the heads run elsewhere and
   *     are not reached
   */
  @Override
  public CostAnswer judge(CostCommand command, CallPatience patience) {
    if (command.items().isEmpty() || command.items().size() > limits.items()) {
      throw malformed(
          "items",
          "%,d items (expected: 1 to %,d)".formatted(command.items().size(), limits.items()));
    }
    double threshold = command.threshold().orElse(settings.threshold());
    boolean probability = threshold >= 0 && threshold <= 1;
    if (!probability) {
      throw malformed("threshold", threshold + " (expected: 0 to 1)");
    }
    List<String> ids = ids(command.items());
    try (Lease<Served<CostModel, HeadScores>> lease = catalog.find(command.model(), patience)) {
      Served<CostModel, HeadScores> served = lease.value();
      PlattScaling calibration = served.model().requireCalibration("cost_model");
      ItemReading reader =
          served.reader(limits.textBytes(), limits.promptTokens(), command.truncation());
      CostAnswer answer =
          new OneCall(served, reader, calibration, patience, threshold).answer(command, ids);
      monitor.costsAnswered(answer);
      return answer;
    }
  }

  private static List<String> ids(List<CostItem> items) {
    Set<String> seen = new HashSet<>();
    List<String> ids = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      CostItem item = items.get(i);
      if (item.itemId().length() > MAX_ID_CHARACTERS) {
        throw malformed(
            item.path() + ".item_id",
            "%,d characters (expected: at most %d)"
                .formatted(item.itemId().length(), MAX_ID_CHARACTERS));
      }
      String id = item.itemId().isEmpty() ? Integer.toString(i) : item.itemId();
      if (!seen.add(id)) {
        throw malformed(item.path() + ".item_id", "'%s' is another item's too".formatted(id));
      }
      ids.add(id);
    }
    return ids;
  }

  private static MeshException malformed(String field, String flaw) {
    return new MeshException(
        Fault.MALFORMED_REQUEST, field + ": " + flaw, Map.of("field", field, "flaw", flaw));
  }

  /** One request on its way. */
  private final class OneCall {
    private final Served<CostModel, HeadScores> served;
    private final ItemReading reader;
    private final CostJudge judge;
    private final CallPatience patience;
    private final double threshold;
    private final long arrival = nanoTime.getAsLong();

    private OneCall(
        Served<CostModel, HeadScores> served,
        ItemReading reader,
        PlattScaling calibration,
        CallPatience patience,
        double threshold) {
      this.served = served;
      this.reader = reader;
      this.judge = new CostJudge(served.model(), calibration);
      this.patience = patience;
      this.threshold = threshold;
    }

    /** Where an item's completion went. */
    private sealed interface Place {
      /** To the model, at this index of its prompt's group. */
      record Queued(SeenItem item, int index) implements Place {}

      /** Nowhere. */
      record Refused(ItemFault fault) implements Place {}
    }

    private CostAnswer answer(CostCommand command, List<String> ids) {
      Map<TokenIds, List<TokenIds>> byPrompt = new LinkedHashMap<>();
      List<Place> places = new ArrayList<>();
      command.items().forEach(item -> places.add(place(item, byPrompt)));
      Duration tokenise = since(arrival);
      Map<TokenIds, Batched<HeadScores>> answers =
          batched.ask(
              served.queues().of(command.lane()),
              groups(byPrompt),
              command.lane(),
              patience,
              HeadScores.Refused::new);
      long started = nanoTime.getAsLong();
      List<JudgedItem> items = new ArrayList<>();
      for (int i = 0; i < ids.size(); i++) {
        items.add(judged(ids.get(i), places.get(i), answers));
      }
      return new CostAnswer(
          items, threshold, served.model(), times(answers, tokenise, since(started)));
    }

    private JudgedItem judged(String id, Place place, Map<TokenIds, Batched<HeadScores>> answers) {
      return switch (place) {
        case Place.Queued queued -> {
          Batched<HeadScores> answer = Objects.requireNonNull(answers.get(queued.item().prompt()));
          Cost cost = judge.judge(answer.results().get(queued.index()));
          yield new JudgedItem(id, cost, cost.blockedAt(threshold), queued.item().cut());
        }
        case Place.Refused refused -> {
          Cost none = new Cost.Missing(refused.fault());
          yield new JudgedItem(id, none, none.blockedAt(threshold), Optional.empty());
        }
      };
    }

    private Place place(CostItem item, Map<TokenIds, List<TokenIds>> byPrompt) {
      try {
        SeenItem seen = reader.read(item.path(), item.prompt(), item.completion());
        List<TokenIds> completions =
            byPrompt.computeIfAbsent(seen.prompt(), unseen -> new ArrayList<>());
        completions.add(seen.completion());
        return new Place.Queued(seen, completions.size() - 1);
      } catch (ItemRefusal refusal) {
        return new Place.Refused(refusal.fault());
      }
    }

    private PhaseTimes times(
        Map<TokenIds, Batched<HeadScores>> answers, Duration tokenise, Duration aggregate) {
      Duration queue = Duration.ZERO;
      Duration batchWait = Duration.ZERO;
      Duration infer = Duration.ZERO;
      for (Batched<HeadScores> answer : answers.values()) {
        queue = longer(queue, answer.queue());
        batchWait = longer(batchWait, answer.batchWait());
        infer = longer(infer, answer.infer());
      }
      return new PhaseTimes(queue, batchWait, tokenise, infer, aggregate, since(arrival));
    }

    private Duration since(long start) {
      return Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - start));
    }
  }

  private static List<BatchGroup<TokenIds, TokenIds>> groups(
      Map<TokenIds, List<TokenIds>> byPrompt) {
    List<BatchGroup<TokenIds, TokenIds>> groups = new ArrayList<>();
    byPrompt.forEach(
        (prompt, completions) ->
            groups.add(
                new BatchGroup<>(
                    prompt,
                    completions,
                    prompt.size() + completions.stream().mapToInt(TokenIds::size).sum())));
    return groups;
  }

  private static Duration longer(Duration a, Duration b) {
    return a.compareTo(b) >= 0 ? a : b;
  }
}
