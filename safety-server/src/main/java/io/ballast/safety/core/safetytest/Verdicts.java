package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.safety.core.safetytest.CandidateVerdict.Kind;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.CertificateDesk.Verification;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Says whether a certificate holds now for a version as the policy-server has it, and why not. It
 * looks as verification does; a promotion demands besides that the base is the certificate's and
 * that the certificate is not spent. Thread-safe.
 */
public final class Verdicts {
  private static final int MOST_TESTS = 20;

  private final SafetyTestStore store;
  private final CandidateSampler versions;
  private final CertificateDesk certificates;

  public Verdicts(SafetyTestStore store, CandidateSampler versions, CertificateDesk certificates) {
    this.store = store;
    this.versions = versions;
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
    return of(there, alias, store.testsOf(candidate.model(), candidate.version(), MOST_TESTS));
  }

  private CandidateVerdict of(
      CandidateSampler.Pinned there, String alias, List<StoredTest> newestFirst) {
    PinnedVersion candidate = there.id();
    Expected expected = new Expected(candidate.weightsSha256(), there.folderSha256(), alias);
    List<CandidateVerdict> flawed = new ArrayList<>();
    for (StoredTest test : newestFirst) {
      Optional<UUID> id = test.certificateId();
      if (id.isPresent()) {
        CandidateVerdict verdict =
            certified(candidate, test, certificates.verify(id.get(), expected));
        if (verdict.kind() == Kind.PASS) {
          return verdict;
        }
        flawed.add(verdict);
      }
    }
    Optional<CandidateVerdict> revoked =
        flawed.stream().filter(each -> each.kind() == Kind.REVOKED).findFirst();
    return revoked
        .or(() -> tested(candidate, newestFirst))
        .or(() -> flawed.stream().findFirst())
        .orElseGet(() -> undecided(candidate, newestFirst));
  }

  private static CandidateVerdict certified(
      PinnedVersion candidate, StoredTest test, Verification found) {
    UUID id = found.evidence().certificate().id();
    Kind kind =
        found.valid()
            ? Kind.PASS
            : found.evidence().revocation().isPresent()
                ? Kind.REVOKED
                : found.reason().startsWith("not_after") ? Kind.EXPIRED : Kind.VOID;
    return new CandidateVerdict(
        kind,
        found.valid()
            ? "certificate %s holds".formatted(id)
            : "certificate %s: %s".formatted(id, found.reason()),
        candidate,
        Optional.of(test),
        Optional.of(found.evidence()));
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
