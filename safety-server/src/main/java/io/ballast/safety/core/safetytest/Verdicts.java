package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.safety.core.safetytest.CandidateVerdict.Kind;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.CertificateDesk.Verification;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Says whether a certificate holds now for a version as the policy-server has it, and why not. It
 * looks as verification does; what a promotion demands besides is the base. Thread-safe.
 */
public final class Verdicts {
  private static final int MOST_TESTS = 100;

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
    Optional<CandidateVerdict> flawed = Optional.empty();
    for (StoredTest test : newestFirst) {
      Optional<UUID> id = test.certificateId();
      if (id.isPresent()) {
        Verification found = certificates.verify(id.get(), expected);
        CandidateVerdict verdict =
            new CandidateVerdict(
                found.valid() ? Kind.PASS : Kind.VOID,
                found.valid()
                    ? "certificate %s holds".formatted(id.get())
                    : "certificate %s: %s".formatted(id.get(), found.reason()),
                candidate,
                Optional.of(test),
                Optional.of(found.evidence()));
        if (found.valid()) {
          return verdict;
        }
        flawed = flawed.isPresent() ? flawed : Optional.of(verdict);
      }
    }
    if (newestFirst.isEmpty()) {
      return new CandidateVerdict(
          Kind.UNTESTED,
          "%s %s was never tested".formatted(candidate.model(), candidate.version()),
          candidate,
          Optional.empty(),
          Optional.empty());
    }
    StoredTest last = newestFirst.getFirst();
    return switch (last.state()) {
      case RUNNING -> without(Kind.RUNNING, candidate, last, "is running");
      case NO_SOLUTION_FOUND ->
          flawed.orElseGet(
              () -> without(Kind.NO_SOLUTION_FOUND, candidate, last, "found no solution"));
      case FAILED, ABORTED ->
          flawed.orElseGet(
              () ->
                  without(
                      Kind.UNDECIDED,
                      candidate,
                      last,
                      "could not be carried out: " + last.failureMessage()));
      case PASSED -> flawed.orElseThrow();
    };
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
