package io.ballast.safety.core.safetytest;

import io.ballast.inference.scoring.Content;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.SafetyMonitor;
import io.ballast.safety.core.cost.Cost;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.CostCommand;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.cost.CostItem;
import io.ballast.safety.core.cost.JudgedItem;
import io.ballast.safety.core.safetytest.CandidateSampler.Drawn;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries tests out in the background: sample a chunk → judge it → record progress → … → bound →
 * decision. A test that this process stops in the middle, or whose certificate it cannot sign,
 * stays RUNNING; whoever claims it begins again with the same seed, so it is the same look.
 * Thread-safe.
 */
public final class TestRunner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TestRunner.class);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** The store is waited for so much longer than a peer: what was judged would be lost. */
  private static final int STORE_PATIENCE = 10;

  private final SafetyTestStore store;
  private final CandidateSampler sampler;
  private final CostFlow costs;
  private final TestSettings settings;
  private final SafetyMonitor monitor;
  private final ChangeSignal changes;
  private final CertificateIssuer issuer;
  private final InstantSource clock;
  private final Pause pause;
  private final Semaphore places;
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("safety-test-", 0).factory());

  /**
   * @param changes announced when a test moves on
   * @param pause waits between attempts
   */
  public TestRunner(
      SafetyTestStore store,
      CandidateSampler sampler,
      CostFlow costs,
      TestSettings settings,
      SafetyMonitor monitor,
      ChangeSignal changes,
      CertificateIssuer issuer,
      InstantSource clock,
      Pause pause) {
    this.store = store;
    this.sampler = sampler;
    this.costs = costs;
    this.settings = settings;
    this.monitor = monitor;
    this.changes = changes;
    this.issuer = issuer;
    this.clock = clock;
    this.pause = pause;
    this.places = new Semaphore(settings.concurrent(), true);
  }

  /** The claim is another's now, or the server stops: say nothing and go. */
  private static final class GivenUp extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GivenUp(String why) {
      super(why);
    }
  }

  /** What judging gave: shape [prompts]. */
  private record Judged(List<SampledCost> samples) {
    TestOutcome decide(TestSpec spec) {
      double[] costs = samples.stream().mapToDouble(SampledCost::cost).toArray();
      int failed = (int) samples.stream().filter(SampledCost::missing).count();
      return new TestOutcome(spec.rule().decide(costs).numbers(), failed);
    }
  }

  /** Runs a test that was just started, in the background. */
  public void begin(UUID id) {
    try {
      threads.execute(() -> carryOut(id));
    } catch (RejectedExecutionException e) {
      LOG.info("safety test {}: the server stops; the next start begins it", id);
    }
  }

  /** Takes over every test that runs: the process that ran it is gone, or will notice. */
  public void resume() {
    threads.execute(
        () -> {
          try {
            for (UUID id : stored("the tests that run", store::running)) {
              LOG.info("safety test {}: begun again", id);
              begin(id);
            }
          } catch (GivenUp | MeshException e) {
            LOG.warn("running safety tests were not taken over: {}", e.getMessage());
          }
        });
  }

  private void carryOut(UUID id) {
    try {
      places.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    try {
      Optional<ClaimedTest> claimed = stored("the claim", () -> store.claim(id));
      if (claimed.isPresent()) {
        carryOut(claimed.get());
      }
    } catch (GivenUp | MeshException e) {
      LOG.warn("safety test {}: given up here, {}", id, e.getMessage());
    } finally {
      places.release();
      changes.announce();
    }
  }

  private void carryOut(ClaimedTest test) {
    requireKey();
    try {
      Judged judged = judge(test);
      conclude(test, judged);
    } catch (GivenUp e) {
      throw e;
    } catch (MeshException e) {
      fail(test, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOG.error("safety test {}: a bug", test.id(), e);
      fail(test, "internal error; the server's log says more under this test's id");
    }
  }

  /** Without a key, nothing that would be judged could be told. */
  private void requireKey() {
    try {
      issuer.requireKey();
    } catch (MeshException e) {
      throw new GivenUp(String.valueOf(e.getMessage()));
    }
  }

  private Judged judge(ClaimedTest test) {
    List<String> prompts = test.spec().prompts().prompts();
    List<SampledCost> samples = new ArrayList<>(prompts.size());
    for (int from = 0; from < prompts.size(); from += settings.chunk()) {
      int first = from;
      List<String> chunk = prompts.subList(from, Math.min(prompts.size(), from + settings.chunk()));
      long seed = test.spec().sampling().seed() + from;
      List<Drawn> drawn =
          asked(
              "sampling",
              () ->
                  monitor.watch(
                      "test.sample", () -> requireDrawn(sampler.sample(test, chunk, seed), first)));
      List<Cost> judged =
          asked(
              "judging",
              () -> monitor.watch("test.judge", () -> costsOf(test, chunk, drawn, first)));
      for (int i = 0; i < chunk.size(); i++) {
        samples.add(sample(test.spec(), chunk.get(i), drawn.get(i), judged.get(i)));
      }
      if (!stored("progress", () -> store.progress(test, samples.size()))) {
        throw new GivenUp("another process has taken it over");
      }
      changes.announce();
    }
    return new Judged(samples);
  }

  /** What one prompt gave. What has no cost counts as harm. */
  private static SampledCost sample(TestSpec spec, String prompt, Drawn drawn, Cost cost) {
    String completion =
        switch (drawn) {
          case Drawn.Text text -> Sha256.of(text.text());
          case Drawn.Missing missing -> SampledCost.NO_COMPLETION;
        };
    return switch (cost) {
      case Cost.Estimated estimated ->
          new SampledCost(
              Sha256.of(prompt), completion, spec.cost(estimated.harmProbability()), false);
      case Cost.Missing missing -> new SampledCost(Sha256.of(prompt), completion, 1, true);
    };
  }

  /** What did not come for a reason that may pass is drawn again; the rest is judged as it is. */
  private static List<Drawn> requireDrawn(List<Drawn> drawn, int first) {
    for (int i = 0; i < drawn.size(); i++) {
      if (drawn.get(i) instanceof Drawn.Missing missing && mayPass(missing.fault())) {
        throw new MeshException(
            Fault.DEPENDENCY_DOWN,
            "prompts[%d]: no completion: %s".formatted(first + i, missing.fault().message()));
      }
    }
    return drawn;
  }

  private List<Cost> costsOf(ClaimedTest test, List<String> prompts, List<Drawn> drawn, int first) {
    List<CostItem> items = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      if (drawn.get(i) instanceof Drawn.Text text) {
        String path = "prompts[" + (first + i) + "]";
        items.add(
            new CostItem(
                Integer.toString(i),
                path,
                new Content.Text(prompts.get(i)),
                new Content.Text(text.text())));
      }
    }
    List<JudgedItem> judged = items.isEmpty() ? List.of() : judge(test, items);
    List<Cost> all = new ArrayList<>();
    int next = 0;
    for (Drawn each : drawn) {
      all.add(
          switch (each) {
            case Drawn.Text text -> judged.get(next++).cost();
            case Drawn.Missing missing -> new Cost.Missing(missing.fault());
          });
    }
    return all;
  }

  private List<JudgedItem> judge(ClaimedTest test, List<CostItem> items) {
    CostAnswer answer =
        costs.judge(
            new CostCommand(
                Lane.BATCH,
                VersionSelector.version(
                    test.spec().costModel().model(), test.spec().costModel().version()),
                Truncation.KEEP_LAST,
                items,
                OptionalDouble.empty()),
            CallPatience.endless());
    if (!answer.model().id().equals(test.spec().costModel())) {
      throw new MeshException(
          Fault.DEPENDENCY_BROKEN,
          "cost model %s has the weights %s (expected: %s, as at the start of the test)"
              .formatted(
                  answer.model().id().model(),
                  answer.model().id().weightsSha256(),
                  test.spec().costModel().weightsSha256()));
    }
    for (JudgedItem item : answer.items()) {
      if (item.cost() instanceof Cost.Missing missing && mayPass(missing.fault())) {
        throw new MeshException(Fault.DEPENDENCY_DOWN, "no cost: " + missing.fault().message());
      }
    }
    return answer.items();
  }

  private static boolean mayPass(ItemFault fault) {
    return switch (fault.reason()) {
      case DEADLINE, OVERLOADED, CANCELLED -> true;
      case INVALID_INPUT, TOO_LONG, MODEL_ERROR, QUORUM_LOST -> false;
    };
  }

  private void conclude(ClaimedTest test, Judged judged) {
    TestOutcome outcome = judged.decide(test.spec());
    SafetyTestNumbers numbers = outcome.numbers();
    Optional<SignedCertificate> certificate =
        outcome.passed() ? Optional.of(signed(test, outcome, judged)) : Optional.empty();
    Instant now = now();
    boolean held =
        stored(
            "the outcome", () -> store.conclude(test, outcome, judged.samples(), certificate, now));
    if (!held) {
      throw new GivenUp("another process has taken it over");
    }
    TestState state = outcome.passed() ? TestState.PASSED : TestState.NO_SOLUTION_FOUND;
    LOG.info(
        "safety test {}: {}, upper bound {} against threshold {}, n {}",
        test.id(),
        state,
        numbers.upperBound(),
        numbers.threshold(),
        numbers.n());
    monitor.testEnded(state.name());
  }

  /** Nothing passes unsigned: a test that cannot be signed for waits. */
  private SignedCertificate signed(ClaimedTest test, TestOutcome outcome, Judged judged) {
    try {
      return stored("signing", () -> issuer.issue(test, outcome, judged.samples()));
    } catch (MeshException e) {
      throw new GivenUp("its certificate cannot be signed: " + e.getMessage());
    }
  }

  private void fail(ClaimedTest test, String message) {
    LOG.warn("safety test {}: failed, {}", test.id(), message);
    // a peer's words may hold what PostgreSQL cannot
    String kept = message.replace('\0', ' ');
    boolean held = stored("the failure", () -> store.fail(test, kept, now()));
    if (!held) {
      throw new GivenUp("another process has taken it over");
    }
    monitor.testEnded(TestState.FAILED.name());
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  private <T> T asked(String step, Supplier<T> work) {
    return persistently(step, settings.attempts(), work);
  }

  private <T> T stored(String step, Supplier<T> work) {
    return persistently(step, settings.attempts() * STORE_PATIENCE, work);
  }

  /** Tries a step with growing pauses while it fails for a reason that may pass. */
  private <T> T persistently(String step, int attempts, Supplier<T> work) {
    Duration wait = settings.pause();
    for (int attempt = 1; ; attempt++) {
      try {
        if (Thread.currentThread().isInterrupted()) {
          throw new GivenUp("the server is stopping");
        }
        return work.get();
      } catch (GivenUp e) {
        throw e;
      } catch (MeshException e) {
        boolean mayPass =
            switch (e.fault()) {
              case DEPENDENCY_DOWN, OVERLOADED, MODEL_LOADING -> true;
              default -> false;
            };
        if (!mayPass || attempt >= attempts) {
          throw e;
        }
        LOG.debug("{}: attempt {}: {}", step, attempt, e.getMessage());
      }
      try {
        pause.pause(wait);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new GivenUp("the server is stopping");
      }
      Duration twice = wait.multipliedBy(2);
      wait = twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
    }
  }

  /** Stops the tests of this process where they are; they stay RUNNING. */
  @Override
  public void close() {
    threads.shutdownNow();
  }
}
