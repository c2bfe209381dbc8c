package io.ballast.reward.core;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.BestOfNAnswer.LeftOut;
import io.ballast.reward.core.BestOfNCommand.Pool;
import io.ballast.reward.core.BestOfNCommand.Proxies;
import io.ballast.reward.core.BestOfNCommand.Values;
import io.ballast.rl.selection.BestOfNCurve;
import io.ballast.rl.selection.BestOfNPlan;
import io.ballast.rl.selection.CandidatePool;
import io.ballast.rl.selection.GoldPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;

/**
 * Estimates what best of n is worth: score what has no reward, then the unbiased estimator, its
 * intervals and its fit. One estimate runs at a time, since it computes for as long as a second.
 * Thread-safe.
 */
public final class BestOfNFlow {
  /** Prompts, each with completions. */
  public static final int MAX_POOLS = 100_000;

  static final int MAX_CANDIDATES = 1_000_000;
  static final int MAX_NS = 64;
  static final int MAX_RESAMPLES = 10_000;

  /** Prompts times bootstrap samples times n: some seconds of one core. */
  static final long MAX_DRAWS = 500_000_000;

  private static final double USUAL_CONFIDENCE = 0.95;
  private static final int USUAL_RESAMPLES = 1_000;
  private static final int LEAST_RESAMPLES = 100;

  private final RewardScorer rewards;
  private final Semaphore turn = new Semaphore(1);

  /**
   * @param rewards scores what has no reward
   */
  public BestOfNFlow(RewardScorer rewards) {
    this.rewards = rewards;
  }

  /**
   * Estimates.
   *
   * @throws MeshException MALFORMED_REQUEST naming what is wrong by index; PRECONDITION_FAILED if a
   *     pool has too few completions with a reward; OVERLOADED while another estimate runs; and as
   *     {@link RewardScorer#score}
   */
  public BestOfNAnswer estimate(BestOfNCommand command, CallPatience patience) {
    check(command);
    Scored scored = score(command, patience);
    List<CandidatePool> pools = new ArrayList<>();
    List<LeftOut> leftOut = new ArrayList<>();
    int smallest = Integer.MAX_VALUE;
    for (int p = 0; p < command.pools().size(); p++) {
      CandidatePool pool = pool(command, p, scored, leftOut);
      smallest = Math.min(smallest, pool.size());
      pools.add(pool);
    }
    BestOfNPlan plan =
        new BestOfNPlan(
            command.ns().isEmpty() ? BestOfNPlan.powersOfTwo(smallest) : command.ns(),
            command.fitUpTo(),
            command.resamples() == 0 ? USUAL_RESAMPLES : command.resamples(),
            command.confidence().orElse(USUAL_CONFIDENCE));
    long draws = (long) pools.size() * plan.resamples() * plan.ns().size();
    if (draws > MAX_DRAWS) {
      throw malformed(
          "resamples_count",
          "%,d samples of %,d prompts at %,d n (expected: a product of at most %,d)"
              .formatted(plan.resamples(), pools.size(), plan.ns().size(), MAX_DRAWS));
    }
    if (!turn.tryAcquire()) {
      throw new MeshException(
          Fault.OVERLOADED, "another estimate of best of n runs", Map.of("limit", "1"));
    }
    try {
      return new BestOfNAnswer(
          BestOfNCurve.estimate(pools, plan, new SplittableRandom(command.seed())),
          plan,
          leftOut,
          scored.answer());
    } finally {
      turn.release();
    }
  }

  private static void check(BestOfNCommand command) {
    if (command.pools().isEmpty()) {
      throw malformed("pools", "none (expected: at least one)");
    }
    if (command.ns().size() > MAX_NS) {
      throw malformed(
          "ns", "%,d of them (expected: at most %d)".formatted(command.ns().size(), MAX_NS));
    }
    for (int i = 0; i < command.ns().size(); i++) {
      int least = i == 0 ? 1 : command.ns().get(i - 1) + 1;
      if (command.ns().get(i) < least) {
        throw malformed(
            "ns[" + i + "]",
            "%,d (expected: ascending, at least 1)".formatted(command.ns().get(i)));
      }
    }
    if (command.fitUpTo() < 0) {
      throw malformed("fit_max_n", command.fitUpTo() + " (expected: ≥ 0; 0 means all)");
    }
    double confidence = command.confidence().orElse(USUAL_CONFIDENCE);
    if (!(confidence > 0 && confidence < 1)) {
      throw malformed("confidence", confidence + " (expected: above 0, below 1)");
    }
    int resamples = command.resamples();
    if (resamples != 0 && (resamples < LEAST_RESAMPLES || resamples > MAX_RESAMPLES)) {
      throw malformed(
          "resamples_count",
          "%,d (expected: %d to %,d, or 0 for %,d)"
              .formatted(resamples, LEAST_RESAMPLES, MAX_RESAMPLES, USUAL_RESAMPLES));
    }
    long candidates = 0;
    for (Pool pool : command.pools()) {
      check(pool, command.ns());
      candidates += pool.gold().size();
    }
    if (candidates > MAX_CANDIDATES) {
      throw malformed(
          "pools", "%,d completions (expected: at most %,d)".formatted(candidates, MAX_CANDIDATES));
    }
  }

  private static void check(Pool pool, List<Integer> ns) {
    int size = pool.gold().size();
    int proxies =
        switch (pool.proxies()) {
          case Proxies.Given given -> given.rewards().size();
          case Proxies.ToScore toScore -> toScore.completions().size();
          case Proxies.Unclear unclear -> throw malformed(pool.path(), unclear.flaw());
        };
    if (size == 0 || proxies != size) {
      throw malformed(
          pool.path(),
          "%,d rewards or completions, %,d gold rewards (expected: as many, at least one)"
              .formatted(proxies, size));
    }
    if (!ns.isEmpty() && ns.getLast() > size) {
      throw malformed(
          pool.path(),
          "%,d completions (expected: at least the greatest n, %,d)".formatted(size, ns.getLast()));
    }
    checked(pool.gold(), pool.path() + ".gold_rewards");
    if (pool.proxies() instanceof Proxies.Given given) {
      checked(given.rewards(), pool.path() + ".proxy_rewards");
    }
  }

  private static void checked(Values values, String path) {
    for (int i = 0; i < values.size(); i++) {
      if (!(Math.abs(values.get(i)) <= GoldPoint.MAX_GOLD)) {
        throw malformed(
            path + "[" + i + "]", values.get(i) + " (expected: finite, −1e100 to 1e100)");
      }
    }
  }

  /** The completions that had no reward, scored: of each pool where its first item stands. */
  private record Scored(Optional<ScoreAnswer> answer, Map<Integer, Integer> firstItems) {}

  private Scored score(BestOfNCommand command, CallPatience patience) {
    List<ScoreItem> items = new ArrayList<>();
    Map<Integer, Integer> first = new HashMap<>();
    for (int p = 0; p < command.pools().size(); p++) {
      Pool pool = command.pools().get(p);
      if (pool.proxies() instanceof Proxies.ToScore toScore) {
        first.put(p, items.size());
        for (int i = 0; i < toScore.completions().size(); i++) {
          items.add(
              new ScoreItem(
                  "",
                  pool.path() + ".completions[" + i + "]",
                  toScore.prompt(),
                  toScore.completions().get(i)));
        }
      }
    }
    if (items.isEmpty()) {
      return new Scored(Optional.empty(), Map.of());
    }
    if (items.size() > rewards.maxItems()) {
      throw malformed(
          "pools",
          "%,d completions to score (expected: at most %,d; Score takes more in turns, then send"
                  .formatted(items.size(), rewards.maxItems())
              + " proxy_rewards)");
    }
    ScoreAnswer answer =
        rewards.score(
            new ScoreCommand(
                command.behalf(),
                command.lane(),
                command.ensemble(),
                command.aggregation(),
                command.truncation(),
                false,
                items),
            patience);
    return new Scored(Optional.of(answer), first);
  }

  private static CandidatePool pool(
      BestOfNCommand command, int index, Scored scored, List<LeftOut> leftOut) {
    Pool pool = command.pools().get(index);
    int size = pool.gold().size();
    double[] proxy = new double[size];
    double[] gold = new double[size];
    int there = 0;
    String why = "";
    for (int i = 0; i < size; i++) {
      switch (reward(pool, index, i, scored)) {
        case Reward.Value value -> {
          proxy[there] = value.value();
          gold[there] = pool.gold().get(i);
          there++;
        }
        case Reward.Failed failed -> {
          leftOut.add(new LeftOut(index, i, failed.fault()));
          why = why.isEmpty() ? failed.fault().message() : why;
        }
      }
    }
    int needed = command.ns().isEmpty() ? 1 : command.ns().getLast();
    if (there < needed) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "%s: %,d of %,d completions have a reward (expected: at least %,d); the first without: %s"
              .formatted(pool.path(), there, size, needed, why),
          Map.of("field", pool.path()));
    }
    return CandidatePool.of(Arrays.copyOf(proxy, there), Arrays.copyOf(gold, there));
  }

  private static Reward reward(Pool pool, int poolIndex, int i, Scored scored) {
    return pool.proxies() instanceof Proxies.Given given
        ? Reward.Value.of(given.rewards().get(i))
        : scored
            .answer()
            .orElseThrow()
            .items()
            .get(Objects.requireNonNull(scored.firstItems().get(poolIndex)) + i)
            .reward();
  }

  private static MeshException malformed(String field, String flaw) {
    return new MeshException(
        Fault.MALFORMED_REQUEST, field + ": " + flaw, Map.of("field", field, "flaw", flaw));
  }
}
