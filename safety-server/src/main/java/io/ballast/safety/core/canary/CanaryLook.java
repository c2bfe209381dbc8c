package io.ballast.safety.core.canary;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.safety.core.canary.CanaryStore.Reading;
import io.ballast.safety.core.canary.PolicyCanaries.End;
import io.ballast.safety.core.canary.PolicyCanaries.Move;
import io.ballast.safety.core.canary.PolicyCanaries.WatchedAlias;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One look at one canary: has it ended → what was shown since → its costs → what was answered since
 * → what follows. Every page is kept before the next is read, so that a look which is cut off is
 * gone on with and nothing counts twice. A breach is decided for good before the policy-server is
 * asked to roll back.
 */
final class CanaryLook {
  private static final Logger LOG = LoggerFactory.getLogger(CanaryLook.class);

  /** How far clocks of policy-servers may differ for a decision to be found. */
  private static final Duration SKEW = Duration.ofMinutes(5);

  /** Pages of one look, so that one canary does not keep the others waiting. */
  private static final int MOST_PAGES = 500;

  private static final int MOST_WORDS = 900;

  private final CanaryStore store;
  private final PolicyCanaries policies;
  private final DecisionSource decisions;
  private final CanaryJudge judge;
  private final CanaryMonitor monitor;
  private final InstantSource clock;
  private final Duration lease;
  private final int page;
  private final CanaryWatch watch;
  private final Set<UUID> unjudged;
  private CanaryEvidence evidence;
  private boolean sawSome;

  /**
   * What a look needs, besides its watch.
   *
   * @param page decisions that are read and judged at a time
   */
  record Tools(
      CanaryStore store,
      PolicyCanaries policies,
      DecisionSource decisions,
      CanaryJudge judge,
      CanaryMonitor monitor,
      InstantSource clock,
      Duration lease,
      int page) {}

  /** The watch is another's now: say nothing and go. */
  private static final class GivenUp extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GivenUp() {
      super("another process has taken it over");
    }
  }

  /**
   * @param watch as it was taken
   * @param evidence all that was observed of it
   * @param unjudged suggestions that the judge failed at in looks before; changed by this one
   */
  CanaryLook(Tools tools, CanaryWatch watch, CanaryEvidence evidence, Set<UUID> unjudged) {
    this.store = tools.store();
    this.policies = tools.policies();
    this.decisions = tools.decisions();
    this.judge = tools.judge();
    this.monitor = tools.monitor();
    this.clock = tools.clock();
    this.lease = tools.lease();
    this.page = tools.page();
    this.watch = watch;
    this.evidence = evidence;
    this.unjudged = unjudged;
  }

  /** Looks, and returns all that was observed by then. */
  CanaryEvidence look() {
    try {
      Optional<Move> end = end();
      if (end.isPresent()) {
        ended(end.get().state(), end.get().words());
      } else if (watch.decidedAt().isPresent()) {
        rollBack(watch.reason(), watch.numbers());
      } else {
        observe();
      }
    } catch (GivenUp e) {
      LOG.info("canary watch {}: {}", watch.id(), e.getMessage());
    } catch (RuntimeException e) {
      if (!Thread.currentThread().isInterrupted()) {
        failed(e);
      }
    }
    return evidence;
  }

  /** The move that ended the canary; empty while it is under way. */
  private Optional<Move> end() {
    CanarySubject subject = watch.subject();
    WatchedAlias alias =
        policies.aliases(subject.model()).stream()
            .filter(each -> each.alias().equals(subject.alias()))
            .findFirst()
            .orElseThrow(() -> broken("no alias " + subject.alias()));
    boolean underWay =
        alias
            .underWay()
            .filter(canary -> canary.startRevision() == subject.startRevision())
            .isPresent();
    if (underWay) {
      return Optional.empty();
    }
    Move end =
        alias
            .endOf(subject)
            .orElseThrow(
                () ->
                    broken(
                        "no canary of %s since revision %d"
                            .formatted(subject.alias(), subject.startRevision())));
    return Optional.of(end);
  }

  private MeshException broken(String flaw) {
    return new MeshException(
        Fault.DEPENDENCY_BROKEN,
        "policy-server: %s of %s, which had one".formatted(flaw, watch.subject().model()));
  }

  private void observe() {
    CanaryVerdict before = verdict(false); // one that died between a page and its decision
    if (before.breach()) {
      decide(before, reason(before));
      return;
    }
    boolean all = true;
    for (Observation.Kind kind : Observation.Kind.values()) {
      all &= readAll(kind);
      CanaryVerdict verdict = verdict(false);
      if (verdict.breach()) {
        decide(verdict, reason(verdict));
        return;
      }
    }
    if (!all) {
      require(store.sawSome(watch));
      return;
    }
    Instant now = now();
    CanaryVerdict verdict = verdict(watch.overdue(now));
    String reason = reason(verdict);
    require(store.sawAll(watch, verdict, reason, now));
    sawSome = true;
    if (verdict.held() && watch.terms().whenHeld() == WhenHeld.COMPLETE) {
      complete(reason);
    }
  }

  /** Reads until there is no more, or a breach; returns whether it came to the end. */
  private boolean readAll(Observation.Kind kind) {
    String cursor = watch.cursor(kind);
    for (int pages = 0; pages < MOST_PAGES; pages++) {
      List<CanaryDecision> read =
          decisions.read(watch.subject().startedAt().minus(SKEW), cursor, age(kind), page);
      if (read.isEmpty()) {
        return true;
      }
      cursor = read.getLast().cursor();
      keep(kind, cursor, observed(kind, read));
      if (verdict(false).breach()) {
        return false;
      }
    }
    return false;
  }

  private Duration age(Observation.Kind kind) {
    return switch (kind) {
      case COST -> Duration.ZERO;
      case ACCEPT -> watch.terms().feedbackWait();
    };
  }

  private List<Observation> observed(Observation.Kind kind, List<CanaryDecision> read) {
    CanarySubject subject = watch.subject();
    return switch (kind) {
      case COST -> costs(read);
      case ACCEPT -> read.stream().flatMap(each -> answer(subject, each).stream()).toList();
    };
  }

  private List<Observation> costs(List<CanaryDecision> read) {
    List<CanaryDecision> shown =
        read.stream()
            .filter(each -> each.seenOf(watch.subject()).filter(Arm.CANARY::equals).isPresent())
            .toList();
    return judge.judge(watch.terms(), shown, unjudged, () -> require(store.renew(watch, lease)));
  }

  private static Optional<Observation> answer(CanarySubject subject, CanaryDecision decision) {
    return decision
        .seenOf(subject)
        .flatMap(
            arm ->
                decision
                    .taken()
                    .map(
                        taken ->
                            new Observation(
                                Observation.Kind.ACCEPT,
                                arm,
                                decision.suggestionId(),
                                taken ? 1 : 0,
                                false)));
  }

  private void keep(Observation.Kind kind, String cursor, List<Observation> seen) {
    CanaryEvidence next = evidence;
    for (Observation each : seen) {
      next = next.add(each);
    }
    require(store.record(watch, new Reading(kind, cursor, seen, next.numbers()), lease));
    evidence = next;
    sawSome = true;
    seen.forEach(monitor::canaryObserved);
  }

  private CanaryVerdict verdict(boolean overdue) {
    return evidence.verdict(watch.terms(), overdue);
  }

  private String reason(CanaryVerdict verdict) {
    return evidence.numbers().reason(verdict, watch.terms());
  }

  private void decide(CanaryVerdict verdict, String reason) {
    CanaryNumbers numbers = evidence.numbers();
    require(store.decide(watch, verdict, reason, now()));
    LOG.warn(
        "canary {} of {} of {}: {}; it is rolled back",
        watch.subject().canaryVersion(),
        watch.subject().alias(),
        watch.subject().model(),
        reason);
    monitor.canaryDecided(verdict);
    rollBack(reason, numbers);
  }

  private void rollBack(String reason, CanaryNumbers numbers) {
    policies.end(
        new End(watch, false, "canary-watch:" + watch.id() + ":roll-back", reason, numbers));
    ended(CanaryState.ROLLED_BACK, "canary_roll_back: " + reason);
  }

  /** Asks anew with every further number, since it may be refused: then the watch goes on. */
  private void complete(String reason) {
    String key = "canary-watch:%s:complete:%d".formatted(watch.id(), evidence.count());
    policies.end(new End(watch, true, key, reason, evidence.numbers()));
    ended(CanaryState.COMPLETED, "canary_complete: " + reason);
  }

  private void ended(CanaryState state, String move) {
    require(store.end(watch, state, Texts.asLine(move, MOST_WORDS), now()));
    LOG.info("canary watch {}: {}, {}", watch.id(), state, move);
    monitor.canaryEnded(state);
  }

  /**
   * Tells what failed, and does not trust for long what it cannot see: since looks began to fail
   * without a page that was read and judged.
   */
  private void failed(RuntimeException thrown) {
    if (!(thrown instanceof MeshException)) {
      LOG.error("canary watch {}: a bug", watch.id(), Wordless.of(thrown));
    }
    String words =
        thrown instanceof MeshException
            ? String.valueOf(thrown.getMessage())
            : "internal error; the server's log says more under this watch's id";
    String trouble = Texts.asLine(words, MOST_WORDS);
    if (!trouble.equals(watch.trouble())) {
      LOG.warn("canary watch {}: {}", watch.id(), trouble);
    }
    try {
      Instant now = now();
      Instant since = sawSome ? now : watch.troubledAt().orElse(now);
      require(store.sawTrouble(watch, trouble, since));
      boolean tooLong = !now.isBefore(since.plus(watch.terms().maxBlind()));
      if (watch.decidedAt().isEmpty() && tooLong) {
        String reason = reason(CanaryVerdict.BLIND) + ": " + trouble;
        decide(CanaryVerdict.BLIND, Texts.asLine(reason, MOST_WORDS));
      }
    } catch (RuntimeException e) {
      LOG.warn("canary watch {}: left to the next look, {}", watch.id(), e.getMessage());
    }
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  private static void require(boolean held) {
    if (!held) {
      throw new GivenUp();
    }
  }
}
