package io.ballast.loadtest.bench;

import io.ballast.loadtest.bench.Pairs.Pair;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.CallRecord;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.openloop.Target;
import io.ballast.mesh.v1.Priority;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongPredicate;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * A mesh that is asked for twice what it can do: how many good answers a second it still gives, and
 * how long people wait for theirs. A good answer is one that came within its call's deadline, which
 * the server knows.
 */
final class OverloadBench {
  private static final int CALLERS = 32;
  private static final Duration CLOSED_TIME = Duration.ofSeconds(6);

  /** What saturation is looked for at first, as shares of what callers in a closed loop get. */
  private static final List<Double> CLIMB = List.of(0.8, 1.0, 1.2, 1.5);

  private static final double FURTHER = 1.4;
  private static final int MOST_FURTHER = 4;

  /**
   * Calls that were sent in the measured time, of those that were meant to be; fewer is no load.
   */
  private static final double SENT_SHARE = 0.97;

  /** More good answers than this share of the most are as many. */
  private static final double PLATEAU = 0.95;

  private static final int MOST_REPETITIONS = 5;
  private static final int MAX_IN_FLIGHT = 10_000;
  private static final long MAX_CALLS = 1_000_000;
  private static final Duration WARM_UP = Duration.ofSeconds(4);
  private static final Duration TIME = Duration.ofSeconds(12);
  private static final Duration PERSON_DEADLINE = Duration.ofSeconds(1);
  private static final Duration TRAINER_DEADLINE = Duration.ofSeconds(5);
  private static final double SLO_MILLIS = 500;
  private static final int ITEMS = 4;
  private static final int TOKENS = 8;
  private static final int TRAINERS_A_PERSON = 4;

  private final Path script;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;
  private long seed;

  /**
   * What is asked for.
   *
   * @param name for people
   * @param alone one call, in a closed loop
   * @param target the calls of an open one
   * @param person whether a person makes the call of this index
   */
  private record Work(String name, ClosedLoop.Call alone, Target target, LongPredicate person) {}

  /**
   * What was seen at a rate.
   *
   * @param good answers within their deadlines, a second
   * @param personMillis p99 of the answers that people got; NaN if they got none
   * @param personShed the share of people's calls that was refused or late
   * @param shed the share of all calls that was
   */
  record Seen(double rate, double good, double personMillis, double personShed, double shed) {}

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work a folder that may be written
   * @param repetitions of each pair, ≥ 1; no more than five are made
   * @param progress told after each load
   */
  OverloadBench(Path script, Path work, int repetitions, Runnable progress) {
    this.script = script;
    this.work = work;
    this.repetitions = Math.min(MOST_REPETITIONS, repetitions);
    this.progress = progress;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions) {
    return 2 * (1 + CLIMB.size() + Pairs.measured(Math.min(MOST_REPETITIONS, repetitions)));
  }

  /** Loads a mesh with its defaults, but for what remembers scores. */
  List<Figure> run() {
    List<Figure> figures = new ArrayList<>();
    try (MeshUnderTest mesh =
        MeshUnderTest.start(
            script,
            work.resolve("overload"),
            Map.of("BALLAST_REWARD_CACHE_BYTES", "0"),
            Duration.ofMinutes(2))) {
      for (Work asked : List.of(scores(mesh), suggestions(mesh))) {
        figures.addAll(overload(asked));
      }
    }
    return figures;
  }

  /** Four trainers' calls for each of a person, all of them equally dear. */
  private static Work scores(MeshUnderTest mesh) {
    RewardTexts texts = new RewardTexts();
    RewardCalls people = new RewardCalls(texts, "", Priority.PRIORITY_INTERACTIVE, ITEMS);
    RewardCalls trainers = new RewardCalls(texts, "", Priority.PRIORITY_TRAINER, ITEMS);
    LongPredicate person = index -> index % (TRAINERS_A_PERSON + 1) == 0;
    var blocking = RewardServiceGrpc.newBlockingStub(mesh.channel());
    var stub = RewardServiceGrpc.newStub(mesh.channel());
    return new Work(
        "Score of %d items, %d by trainers for each by a person"
            .formatted(ITEMS, TRAINERS_A_PERSON),
        unused -> trainers.ask(blocking) / ITEMS,
        (index, done) -> {
          boolean urgent = person.test(index);
          stub.withDeadlineAfter(
                  (urgent ? PERSON_DEADLINE : TRAINER_DEADLINE).toNanos(), TimeUnit.NANOSECONDS)
              .score(
                  (urgent ? people : trainers).request(texts.next()),
                  new UnaryAnswer<ScoreResponse>(done, RewardCalls::outcome));
        },
        person);
  }

  private static Work suggestions(MeshUnderTest mesh) {
    SuggestCalls calls = new SuggestCalls(true, TOKENS);
    var blocking = PolicyServiceGrpc.newBlockingStub(mesh.channel());
    var stub = PolicyServiceGrpc.newStub(mesh.channel());
    return new Work(
        "Suggest with reward, cost and gate",
        unused -> calls.ask(blocking),
        (index, done) ->
            stub.withDeadlineAfter(PERSON_DEADLINE.toNanos(), TimeUnit.NANOSECONDS)
                .suggest(calls.request(), new UnaryAnswer<SuggestResponse>(done, calls::outcome)),
        index -> true);
  }

  private List<Figure> overload(Work asked) {
    double alone = ClosedLoop.warmItemsPerSecond(CALLERS, CLOSED_TIME, asked.alone());
    progress.run();
    List<Seen> climb = new ArrayList<>();
    for (double share : CLIMB) {
      climb.add(load(asked, share * alone));
      progress.run();
    }
    for (int i = 0; i < MOST_FURTHER && rises(climb); i++) {
      climb.add(load(asked, FURTHER * climb.getLast().rate()));
    }
    if (rises(climb)) {
      throw new IllegalStateException(
          "%s: %.0f calls/s are still answered: no saturation was found"
              .formatted(asked.name(), climb.getLast().rate()));
    }
    double rate = saturation(climb).rate();
    List<Pair<Seen>> pairs =
        Pairs.inTurns(repetitions, () -> load(asked, 2 * rate), () -> load(asked, rate), progress);
    return List.of(
        Pairs.of(pairs.stream().map(pair -> pair.map(Seen::good)).toList())
            .figure(
                "%s: good answers at %.0f calls/s, beside %.0f"
                    .formatted(asked.name(), 2 * rate, rate),
                "answers/s",
                new Goal.RatioAtLeast(0.90)),
        Pairs.alone(
            "... p99 of people at twice saturation",
            "ms",
            pairs.stream().map(pair -> pair.value().personMillis()).toList(),
            new Goal.Below(SLO_MILLIS)),
        Pairs.alone(
            "... at saturation",
            "ms",
            pairs.stream().map(pair -> pair.baseline().personMillis()).toList(),
            new Goal.Reported()),
        Pairs.alone(
            "... people's calls refused or late at twice saturation",
            "%",
            pairs.stream().map(pair -> 100 * pair.value().personShed()).toList(),
            new Goal.Reported()),
        Pairs.alone(
            "... all calls",
            "%",
            pairs.stream().map(pair -> 100 * pair.value().shed()).toList(),
            new Goal.Reported()));
  }

  /** Whether the highest rate brought more good answers than any other. */
  private static boolean rises(List<Seen> climb) {
    double before =
        climb.subList(0, climb.size() - 1).stream().mapToDouble(Seen::good).max().orElse(0);
    return PLATEAU * climb.getLast().good() > before;
  }

  /** The lowest rate from which on more calls bring no more good answers. */
  private static Seen saturation(List<Seen> climb) {
    double most = climb.stream().mapToDouble(Seen::good).max().orElseThrow();
    return climb.stream()
        .filter(seen -> seen.good() >= PLATEAU * most && most > 0)
        .min(Comparator.comparingDouble(Seen::rate))
        .orElseThrow(() -> new IllegalStateException("no call was answered in time"));
  }

  private Seen load(Work asked, double rate) {
    Count count = new Count(asked.person(), WARM_UP, TIME);
    LoadPlan plan = new LoadPlan(rate, WARM_UP, TIME, MAX_IN_FLIGHT, MAX_CALLS, TRAINER_DEADLINE);
    var unused =
        new OpenLoop(new SystemPacer())
            .run(
                plan,
                Arrivals.poisson(rate, new SplittableRandom(++seed)),
                asked.target(),
                count::take);
    count.requireSent(rate);
    return count.seen(rate);
  }

  /** What became of the calls of one load. Told on many threads. */
  static final class Count {
    private final LongPredicate person;
    private final long from;
    private final long to;
    private final LongAdder good = new LongAdder();
    private final LongAdder calls = new LongAdder();
    private final LongAdder sent = new LongAdder();
    private final LongAdder missed = new LongAdder();
    private final LongAdder people = new LongAdder();
    private final LongAdder peopleMissed = new LongAdder();
    private final ConcurrentHistogram latency = new ConcurrentHistogram(3);

    /**
     * @param person whether a person makes the call of this index
     * @param warmUp what came before is not counted
     * @param time that is measured after it
     */
    Count(LongPredicate person, Duration warmUp, Duration time) {
      this.person = person;
      this.from = warmUp.toNanos();
      this.to = warmUp.plus(time).toNanos();
    }

    /** A good answer counts when it comes, so that a backlog at the end is no goodput. */
    void take(CallRecord call) {
      boolean answered = call.fate() == Fate.ANSWERED;
      if (answered && call.endNanos() >= from && call.endNanos() < to) {
        good.increment();
      }
      if (call.fate().sent() && call.sentNanos() >= from && call.sentNanos() < to) {
        sent.increment();
      }
      if (call.dueNanos() < from) {
        return;
      }
      boolean byPerson = person.test(call.index());
      calls.increment();
      people.add(byPerson ? 1 : 0);
      if (!answered) {
        missed.increment();
        peopleMissed.add(byPerson ? 1 : 0);
      } else if (byPerson) {
        latency.recordValue(Math.max(0, call.latencyNanos()));
      }
    }

    /**
     * Refuses a load that was none.
     *
     * @throws IllegalStateException if the generator did not keep up
     */
    void requireSent(double rate) {
      if (sent.sum() < SENT_SHARE * calls.sum()) {
        throw new IllegalStateException(
            "at %.0f calls/s %,d of %,d calls were sent in their time: the generator did not keep up"
                .formatted(rate, sent.sum(), calls.sum()));
      }
    }

    Seen seen(double rate) {
      return new Seen(
          rate,
          good.sum() * 1e9 / (to - from),
          latency.getTotalCount() == 0 ? Double.NaN : latency.getValueAtPercentile(99) / 1e6,
          (double) peopleMissed.sum() / Math.max(1, people.sum()),
          (double) missed.sum() / Math.max(1, calls.sum()));
    }
  }
}
