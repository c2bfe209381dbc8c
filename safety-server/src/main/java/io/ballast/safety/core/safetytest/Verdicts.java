package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.safety.core.safetytest.CandidateVerdict.Kind;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.CertificateDesk.Verification;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Says whether a certificate holds now for a version as the policy-server has it, and why not. It
 * looks as verification does, and whether the certificate is spent; a promotion demands besides
 * that the base is the certificate's. Where a run had the version judged by several cost models,
 * one for each constraint, it takes a certificate that holds for each. Thread-safe.
 */
public final class Verdicts {
  private static final int MOST_TESTS = 20;

  private final SafetyTestStore store;
  private final CandidateSampler versions;
  private final AliasRecord aliases;
  private final CertificateDesk certificates;

  public Verdicts(
      SafetyTestStore store,
      CandidateSampler versions,
      AliasRecord aliases,
      CertificateDesk certificates) {
    this.store = store;
    this.versions = versions;
    this.aliases = aliases;
    this.certificates = certificates;
  }

  /**
   * Looks.
   *
   * @param candidate by name; a checksum of weights must be the policy-server's
   * @param alias that it would be promoted to; empty: any
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST; UNKNOWN_MODEL if the
   *     policy-server knows no such version; DEPENDENCY_DOWN if it does not answer
   */
  public CandidateVerdict of(PinnedVersion candidate, String alias, Caller caller) {
    var unusedModel = Texts.requireName("candidate.model", candidate.model());
    var unusedVersion = Texts.requireName("candidate.version", candidate.version());
    if (!alias.isEmpty()) {
      var unusedAlias = Texts.requireName("alias", alias);
    }
    CandidateSampler.Pinned there = versions.pin("candidate", candidate, caller.tenant());
    String said = candidate.weightsSha256();
    if (!said.isEmpty() && !said.equals(there.id().weightsSha256())) {
      throw Texts.malformed(
          "candidate.weights_sha256",
          "%s (expected: %s, which the policy-server has, or none)"
              .formatted(said, there.id().weightsSha256()));
    }
    return of(
        there.id(),
        store.testsOf(candidate.model(), candidate.version(), MOST_TESTS),
        new Look(
            new Expected(there.id().weightsSha256(), there.folderSha256(), alias),
            certificates.now(),
            caller.tenant()));
  }

  /** What one verdict is taken by. */
  private record Look(Expected expected, Instant now, String tenant) {}

  private CandidateVerdict of(PinnedVersion candidate, List<StoredTest> newestFirst, Look look) {
    Map<UUID, CandidateVerdict> certified = new LinkedHashMap<>(); // by test, the newest first
    for (StoredTest test : newestFirst) {
      test.certificateId()
          .ifPresent(id -> certified.put(test.id(), certified(candidate, test, id, look)));
    }
    List<CandidateVerdict> flawed = new ArrayList<>();
    for (CandidateVerdict verdict : certified.values()) {
      Optional<CandidateVerdict> flaw =
          verdict.kind() == Kind.PASS
              ? otherConstraint(verdict.test().orElseThrow(), newestFirst, certified)
              : Optional.of(verdict);
      if (flaw.isEmpty()) {
        return verdict;
      }
      flawed.add(flaw.get());
    }
    Optional<CandidateVerdict> revoked =
        flawed.stream().filter(each -> each.kind() == Kind.REVOKED).findFirst();
    return revoked
        .or(() -> tested(candidate, newestFirst))
        .or(() -> flawed.stream().findFirst())
        .orElseGet(() -> undecided(candidate, newestFirst));
  }

  /**
   * What speaks against a version that has passed {@code test}: what its run's tests by another
   * cost model say, unless one of them has a certificate that holds.
   */
  private static Optional<CandidateVerdict> otherConstraint(
      StoredTest test, List<StoredTest> newestFirst, Map<UUID, CandidateVerdict> certified) {
    if (test.runId().isEmpty()) {
      return Optional.empty();
    }
    Map<PinnedVersion, List<StoredTest>> byJudge = new LinkedHashMap<>();
    newestFirst.stream()
        .filter(each -> each.runId().equals(test.runId()))
        .filter(each -> each.candidate().equals(test.candidate()))
        .forEach(
            each -> byJudge.computeIfAbsent(each.costModel(), key -> new ArrayList<>()).add(each));
    return byJudge.values().stream()
        .filter(
            tests ->
                tests.stream()
                    .map(each -> Optional.ofNullable(certified.get(each.id())))
                    .noneMatch(verdict -> verdict.filter(v -> v.kind() == Kind.PASS).isPresent()))
        .map(
            tests ->
                Optional.ofNullable(certified.get(tests.getFirst().id()))
                    .or(() -> tested(test.candidate(), tests))
                    .orElseGet(() -> undecided(test.candidate(), tests)))
        .findFirst();
  }

  private CandidateVerdict certified(PinnedVersion candidate, StoredTest test, UUID id, Look look) {
    Verification found = certificates.verify(certificates.get(id), look.expected(), look.now());
    Optional<String> spent =
        found.valid() ? spent(candidate, found.evidence(), look) : Optional.empty();
    Kind kind =
        found.valid()
            ? spent.isEmpty() ? Kind.PASS : Kind.VOID
            : found.evidence().revocation().isPresent()
                ? Kind.REVOKED
                : found.reason().startsWith("not_after") ? Kind.EXPIRED : Kind.VOID;
    return new CandidateVerdict(
        kind,
        kind == Kind.PASS
            ? "certificate %s holds".formatted(id)
            : "certificate %s: %s".formatted(id, spent.orElse(found.reason())),
        candidate,
        Optional.of(test),
        Optional.of(found.evidence()));
  }

  private Optional<String> spent(PinnedVersion candidate, Evidence evidence, Look look) {
    String named = evidence.signed().orElseThrow().terms().scope().alias();
    String alias = look.expected().alias().isEmpty() ? named : look.expected().alias();
    return alias.isEmpty()
        ? Optional.empty()
        : aliases.spent(candidate, alias, evidence.certificate().id(), look.tenant());
  }

  /** What the newest test says that runs or was carried out, unless it passed. */
  private static Optional<CandidateVerdict> tested(
      PinnedVersion candidate, List<StoredTest> newestFirst) {
    for (StoredTest test : newestFirst) {
      switch (test.state()) {
        case RUNNING -> {
          return Optional.of(without(Kind.RUNNING, candidate, test, "is running"));
        }
        case NO_SOLUTION_FOUND -> {
          return Optional.of(without(Kind.NO_SOLUTION_FOUND, candidate, test, "found no solution"));
        }
        case PASSED -> {
          return Optional.empty();
        }
        case FAILED, ABORTED -> {
          // says nothing of the candidate
        }
      }
    }
    return Optional.empty();
  }

  private static CandidateVerdict undecided(PinnedVersion candidate, List<StoredTest> newestFirst) {
    if (newestFirst.isEmpty()) {
      return new CandidateVerdict(
          Kind.UNTESTED,
          "%s %s was never tested".formatted(candidate.model(), candidate.version()),
          candidate,
          Optional.empty(),
          Optional.empty());
    }
    StoredTest last = newestFirst.getFirst();
    return without(
        Kind.UNDECIDED, candidate, last, "could not be carried out: " + last.failureMessage());
  }

  private static CandidateVerdict without(
      Kind kind, PinnedVersion candidate, StoredTest test, String what) {
    return new CandidateVerdict(
        kind,
        "safety test %s %s".formatted(test.id(), what),
        candidate,
        Optional.of(test),
        Optional.empty());
  }
}
