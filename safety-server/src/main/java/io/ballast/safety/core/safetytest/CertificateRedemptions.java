package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Gives leave to move an alias: one at a time for each certificate and alias. Everything is checked
 * while the certificate's row is locked, so that a revocation comes before or after.
 *
 * <p>A leave that has ended has spent nothing: that a certificate moves an alias once is for the
 * policy-server to see, which has the moves and makes the next one in the same transaction. Who
 * asked for a leave with a wrong revision, or could not make the move in time, has used nothing up.
 * Thread-safe.
 */
public final class CertificateRedemptions {
  private final SafetyTestStore store;
  private final CertificateDesk desk;
  private final Duration validity;
  private final TimeOrderedIds ids;
  private final CertificateClock time;
  private final InstantSource clock;

  /**
   * @param validity how long a leave holds, &gt; 0
   */
  public CertificateRedemptions(
      SafetyTestStore store,
      CertificateDesk desk,
      Duration validity,
      TimeOrderedIds ids,
      CertificateClock time,
      InstantSource clock) {
    this.store = store;
    this.desk = desk;
    this.validity = validity;
    this.ids = ids;
    this.time = time;
    this.clock = clock;
  }

  /**
   * A leave with what it rests on.
   *
   * @param evidence as it was read when the leave was given
   */
  public record Redeemed(Redemption redemption, Evidence evidence) {}

  /**
   * Redeems a certificate, or returns the leave that the same key got and that still holds, if the
   * certificate does.
   *
   * @throws MeshException UNKNOWN_RESOURCE if there is no such certificate; SAFETY_GATE_CLOSED if
   *     anything of it does not hold for {@code change}, naming it; MALFORMED_REQUEST for a change
   *     that could be none, no idempotency key, or one that was used for another change
   */
  public Redeemed redeem(UUID certificateId, AliasChange change, Caller caller) {
    requireValid(change, caller);
    Instant asked = clock.instant();
    Instant latest = time.now();
    return store
        .redeem(
            certificateId,
            change.alias(),
            caller,
            (evidence, earlier) -> {
              Duration waited = Duration.between(asked, clock.instant()); // for the row
              return decide(
                  evidence,
                  earlier,
                  change,
                  caller,
                  waited.isNegative()
                      ? latest
                      : latest.plus(waited).truncatedTo(ChronoUnit.MICROS));
            })
        .orElseThrow(() -> CertificateDesk.unknown(certificateId));
  }

  private Redemption decide(
      Evidence evidence,
      SafetyTestStore.Leaves earlier,
      AliasChange change,
      Caller caller,
      Instant now) {
    earlier
        .underKey()
        .filter(given -> !isOf(given, evidence, change))
        .ifPresent(
            given -> {
              throw Texts.malformed(
                  "metadata.idempotency_key", "used for another move, " + shown(given));
            });
    requireHolds(evidence, change, now);
    Optional<Redemption> holding =
        earlier.latest().filter(given -> now.isBefore(given.expiresAt()));
    if (holding.isPresent()) {
      Redemption given = holding.get();
      boolean sameKey =
          given.tenant().equals(caller.tenant())
              && given.idempotencyKey().equals(caller.idempotencyKey());
      if (sameKey) {
        return given;
      }
      throw held(evidence, given, change);
    }
    Instant end = now.plus(validity);
    Instant notAfter = evidence.signed().orElseThrow().terms().notAfter();
    return new Redemption(
        ids.next(),
        evidence.certificate().id(),
        earlier.latest().map(Redemption::ordinal).orElse(0) + 1,
        change,
        caller.tenant(),
        caller.idempotencyKey(),
        now,
        end.isBefore(notAfter) ? end : notAfter);
  }

  private void requireHolds(Evidence evidence, AliasChange change, Instant now) {
    PinnedVersion named = evidence.certificate().candidate();
    if (!named.equals(change.candidate())) {
      throw closed(
          evidence,
          "candidate",
          "it says %s (expected: %s)".formatted(shown(named), shown(change.candidate())));
    }
    CertificateDesk.Verification found =
        desk.verify(
            evidence,
            new Expected(
                change.candidate().weightsSha256(), change.candidateFolderSha256(), change.alias()),
            now);
    if (!found.valid()) {
      int colon = found.reason().indexOf(": ");
      throw closed(
          evidence, found.reason().substring(0, colon), found.reason().substring(colon + 2));
    }
    TestScope scope = evidence.signed().orElseThrow().terms().scope();
    if (!scope.candidateFolderSha256().equals(change.candidateFolderSha256())) {
      throw closed(
          evidence,
          "candidate_folder_sha256",
          "it says %s (expected: none)".formatted(scope.candidateFolderSha256()));
    }
    requireBase(evidence, scope.base(), change);
  }

  private static void requireBase(
      Evidence evidence, Optional<PinnedVersion> named, AliasChange change) {
    if (named.equals(change.base())) {
      return;
    }
    String said =
        named
            .map(CertificateRedemptions::shown)
            .orElse("none, so it can be redeemed only where the alias serves nothing");
    String expected =
        change
            .base()
            .map(base -> "%s, which %s serves".formatted(shown(base), change.alias()))
            .orElse("none: %s serves nothing".formatted(change.alias()));
    throw closed(evidence, "base", "it says %s (expected: %s)".formatted(said, expected));
  }

  private static boolean isOf(Redemption given, Evidence evidence, AliasChange change) {
    return given.certificateId().equals(evidence.certificate().id())
        && given.change().equals(change);
  }

  private static MeshException held(Evidence evidence, Redemption given, AliasChange change) {
    return closed(
        evidence,
        "alias",
        "%s at revision %d: it is redeemed for it until %s, %s (expected: no leave that holds)"
            .formatted(change.alias(), change.revision(), given.expiresAt(), shown(given)));
  }

  private static MeshException closed(Evidence evidence, String field, String flaw) {
    String id = evidence.certificate().id().toString();
    return new MeshException(
        Fault.SAFETY_GATE_CLOSED,
        "certificate %s cannot be redeemed: %s: %s".formatted(id, field, flaw),
        Map.of("certificate_id", id, "field", field, "flaw", flaw));
  }

  private static String shown(Redemption given) {
    return "%s at %s, from revision %d of %s"
        .formatted(
            given.id(), given.redeemedAt(), given.change().revision(), given.change().alias());
  }

  private static String shown(PinnedVersion version) {
    return "%s %s, weights %s"
        .formatted(version.model(), version.version(), version.weightsSha256());
  }

  private static void requireValid(AliasChange change, Caller caller) {
    Versions.requireName("alias", change.alias());
    Versions.requirePinned("candidate", change.candidate());
    change.base().ifPresent(base -> Versions.requirePinned("base", base));
    Versions.requireSha("candidate_folder_sha256", change.candidateFolderSha256());
    if (change.revision() < 0) {
      throw Texts.malformed("alias_revision", change.revision() + " (expected: ≥ 0)");
    }
    if (caller.idempotencyKey().isEmpty()) {
      throw Texts.malformed(
          "metadata.idempotency_key", "empty (expected: a key that names the move)");
    }
  }
}
