package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.SafetyMonitor;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.safetytest.CandidateSampler.Drawn;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
 * decision. A test that this process stops in the middle stays RUNNING; whoever claims it begins
 * again with the same seed, so it is the same look. One whose certificate cannot be signed waits.
 * Thread-safe.
 */
public final class TestRunner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TestRunner.class);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** The store is waited for so much longer than a peer: what was judged would be lost. */
  private static final int STORE_PATIENCE = 10;

  private final SafetyTestStore store;
  private final CompletionJudge judge;
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
    this.judge = new CompletionJudge(sampler, costs);
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
    untilSigned(
        test,
        0,
        () -> {
          issuer.requireKey();
          return true;
        });
    List<SampledCost> samples = new ArrayList<>(test.spec().prompts().size());
    try {
      judge(test, samples);
      asked("looking at the candidate again", () -> judge.requireSameCandidate(test));
      conclude(test, samples);
    } catch (GivenUp e) {
      throw e;
    } catch (CompletionJudge.NoCost e) {
      abort(test, String.valueOf(e.getMessage()));
    } catch (MeshException e) {
      fail(test, String.valueOf(e.getMessage()), samples.isEmpty() || isOurs(e.fault()));
    } catch (RuntimeException e) {
      LOG.error("safety test {}: a bug", test.id(), Wordless.of(e));
      fail(
          test,
          "internal error; the server's log says more under this test's id",
          samples.isEmpty());
    }
  }

  /** Whether a server of the mesh is the cause, and no candidate can be. */
  private static boolean isOurs(Fault fault) {
    return switch (fault) {
      case DEPENDENCY_DOWN, OVERLOADED, MODEL_LOADING, CORRUPT_WEIGHTS -> true;
      default -> false;
    };
  }

  /** Judges into {@code samples}, so that whoever catches a failure sees how far it came. */
  private void judge(ClaimedTest test, List<SampledCost> samples) {
    List<String> prompts = test.spec().prompts().prompts();
    List<Integer> groups = test.spec().prompts().groupNumbers();
    int size = test.spec().chunk() == 0 ? settings.chunk() : test.spec().chunk();
    for (int from = 0; from < prompts.size(); from += size) {
      int first = from;
      List<String> chunk = prompts.subList(from, Math.min(prompts.size(), from + size));
      List<Drawn> drawn =
          asked(
              "sampling", () -> monitor.watch("test.sample", () -> judge.draw(test, chunk, first)));
      List<SampledCost> judged =
          asked(
              "judging",
              () -> monitor.watch("test.judge", () -> judge.judge(test, chunk, drawn, first)));
      for (SampledCost sample : judged) {
        samples.add(groups.isEmpty() ? sample : sample.of(groups.get(samples.size())));
      }
      requireClaim(test, samples.size());
      changes.announce();
    }
  }

  private void conclude(ClaimedTest test, List<SampledCost> samples) {
    TestOutcome outcome = outcome(test.spec(), samples);
    SafetyTestNumbers numbers = outcome.numbers();
    Optional<SignedCertificate> certificate =
        outcome.passed() ? Optional.of(signed(test, outcome, samples)) : Optional.empty();
    Instant now = now();
    boolean held =
        stored("the outcome", () -> store.conclude(test, outcome, samples, certificate, now));
    if (!held) {
      throw new GivenUp("another process has taken it over");
    }
    TestState state = outcome.passed() ? TestState.PASSED : TestState.NO_SOLUTION_FOUND;
    if (outcome.passed() || test.look().rule().rule() == ReuseRule.REFUSE) {
      LOG.info(
          "safety test {}: {}, upper bound {} against threshold {}, n {}",
          test.id(),
          state,
          numbers.upperBound(),
          numbers.threshold(),
          numbers.n());
    } else {
      LOG.info("safety test {}: {}, its numbers are kept back", test.id(), state);
    }
    monitor.testEnded(state.name());
  }

  private static TestOutcome outcome(TestSpec spec, List<SampledCost> samples) {
    int failed = (int) samples.stream().filter(SampledCost::missing).count();
    return new TestOutcome(SampledCost.decide(spec.rule(), samples).numbers(), failed);
  }

  private SignedCertificate signed(
      ClaimedTest test, TestOutcome outcome, List<SampledCost> samples) {
    return untilSigned(test, samples.size(), () -> issuer.issue(test, outcome, samples));
  }

  /**
   * Nothing passes unsigned: tries until it can be signed, however long that takes, or until
   * another process has taken the test over. What was judged is kept meanwhile.
   */
  private <T> T untilSigned(ClaimedTest test, int judged, Supplier<T> work) {
    Duration wait = settings.pause();
    boolean told = false;
    while (true) {
      try {
        return work.get();
      } catch (MeshException e) {
        if (!told) {
          LOG.warn(
              "safety test {}: waits until it can be signed for: {}", test.id(), e.getMessage());
          told = true;
        }
      }
      wait = paused(wait);
      requireClaim(test, judged);
    }
  }

  private void requireClaim(ClaimedTest test, int judged) {
    boolean held;
    try {
      held = stored("progress", () -> store.progress(test, judged));
    } catch (MeshException e) {
      throw new GivenUp(String.valueOf(e.getMessage()));
    }
    if (!held) {
      throw new GivenUp("another process has taken it over");
    }
  }

  private void fail(ClaimedTest test, String message, boolean giveBack) {
    LOG.warn(
        "safety test {}: failed, {}; its look is {}",
        test.id(),
        message,
        giveBack ? "given back, unless others were too often" : "used up");
    int returns = giveBack ? settings.returns() : 0;
    end(test, TestState.FAILED, () -> store.fail(test, withoutZero(message), returns, now()));
  }

  private void abort(ClaimedTest test, String message) {
    LOG.warn("safety test {}: aborted, {}", test.id(), message);
    end(test, TestState.ABORTED, () -> store.abort(test, withoutZero(message), now()));
  }

  private void end(ClaimedTest test, TestState state, Supplier<Boolean> end) {
    if (!stored("its end", end)) {
      throw new GivenUp("another process has taken it over");
    }
    monitor.testEnded(state.name());
  }

  /** A peer's words may hold what PostgreSQL cannot. */
  private static String withoutZero(String message) {
    return message.replace('\0', ' ');
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
      wait = paused(wait);
    }
  }

  /** Pauses, and returns how long the next pause is. */
  private Duration paused(Duration wait) {
    try {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedException();
      }
      pause.pause(wait);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GivenUp("the server is stopping");
    }
    Duration twice = wait.multipliedBy(2);
    return twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
  }

  /** Stops the tests of this process where they are; they stay RUNNING. */
  @Override
  public void close() {
    threads.shutdownNow();
  }
}
