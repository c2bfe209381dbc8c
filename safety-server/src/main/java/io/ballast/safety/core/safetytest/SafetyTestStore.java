package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;

/** Tests, the looks they spend, and certificates. Thread-safe. */
public interface SafetyTestStore {
  /** A test that was started under an idempotency key, with the fingerprint of its request. */
  record KeyedTest(String fingerprint, StoredTest test) {}

  /** What became of a start. */
  sealed interface Start {
    /** The test is stored, and its look is taken. */
    record Started(StoredTest test) implements Start {}

    /** Another call with the same key was first. */
    record KeyUsed(KeyedTest first) implements Start {}

    /**
     * Some of these prompts were used before. Nothing is stored.
     *
     * @param testId the test that used one of them
     * @param spentCount how many of the prompts are used
     */
    record LookSpent(UUID testId, int spentCount) implements Start {}

    /**
     * The looks at this set are taken, or one passed. Nothing is stored.
     *
     * @param testId the last test of the set
     * @param passed whether one passed
     */
    record SetClosed(UUID testId, boolean passed) implements Start {}

    /** The set has another rule, fixed with its first look. Nothing is stored. */
    record OtherRule(LookRule rule) implements Start {}

    /**
     * Another look at these weights would pass an unsafe candidate with more than their account's
     * δ. Nothing is stored.
     *
     * @param testId the last test of these weights
     * @param looks taken
     * @param spent δ of them together
     * @param total δ of the account
     */
    record WeightsSpent(UUID testId, int looks, double spent, double total) implements Start {}

    /**
     * The looks of the named account are taken. Nothing is stored.
     *
     * @param testId its last test
     * @param looks taken
     */
    record AccountSpent(UUID testId, int looks) implements Start {}

    /**
     * The first test of the named account fixed how its δ is shared. Nothing is stored.
     *
     * @param looks 0: it is not shared
     * @param totalDelta of all looks together
     */
    record OtherAccountRule(int looks, double totalDelta) implements Start {}

    /**
     * The pool has too few prompts that no test has used. Nothing is stored.
     *
     * @param left how many
     */
    record PoolUsedUp(int left) implements Start {}
  }

  /**
   * What is kept of a certificate.
   *
   * @param signed empty in format 1, which nobody signed
   * @param samples what it rests on, in the prompts' order
   * @param revocation present if it was revoked
   */
  record Evidence(
      Certificate certificate,
      Optional<SignedCertificate> signed,
      List<SampledCost> samples,
      TestState testState,
      Optional<Revocation> revocation) {
    public Evidence {
      samples = List.copyOf(samples);
    }
  }

  /** The test that was started under this key, if any. */
  Optional<KeyedTest> byKey(String tenant, String idempotencyKey);

  /**
   * Stores a test as RUNNING with its first claim, draws its prompts if some are to be drawn, and
   * takes its look at them: all in one transaction, so that of two concurrent starts on one prompt
   * one fails, and no set is looked at more often than its rule says.
   *
   * @param seeds draws the seed of its completions, in that transaction: nobody knows it before
   */
  Start start(NewTest test, LongSupplier seeds);

  /** One test. */
  Optional<StoredTest> find(UUID id);

  /** Tests, newest first; an empty run means all, no tenant means every tenant's. */
  List<StoredTest> list(String runId, Optional<String> tenant, int limit);

  /** Tests of one version, by name, newest first. */
  List<StoredTest> testsOf(String model, String version, int limit);

  /** The ids of tests that are running, oldest first. */
  List<UUID> running();

  /**
   * Takes a running test over from whoever runs it; what was judged so far is forgotten. Empty if
   * it does not run any more.
   */
  Optional<ClaimedTest> claim(UUID id);

  /** A test as it was carried out, to be looked at and not to be written. */
  Optional<ClaimedTest> tested(UUID id);

  /** Records progress. Returns whether the claim still holds. */
  boolean progress(ClaimedTest test, int judgedCount);

  /**
   * Ends a test that could not be carried out. False: claim lost.
   *
   * @param returns how many looks at its candidate's weights may have been given back with this
   *     one; then this one is used up. 0: it is used up
   */
  boolean fail(ClaimedTest test, String message, int returns, Instant at);

  /** Ends a test that a missing cost ended; its look is used up. False: claim lost. */
  boolean abort(ClaimedTest test, String message, Instant at);

  /**
   * Ends a test with its costs and, if it passed, its certificate, in one transaction. False: claim
   * lost.
   */
  boolean conclude(
      ClaimedTest test,
      TestOutcome outcome,
      List<SampledCost> samples,
      Optional<SignedCertificate> certificate,
      Instant at);

  /** Looks, newest first; an empty set means all, no tenant means every tenant's tests. */
  List<LedgerEntry> ledger(String promptsSha256, Optional<String> tenant, int limit);

  /** A certificate with what it rests on. */
  Optional<Evidence> evidence(UUID certificateId);

  /** Revokes a certificate that there is; one that is revoked stays as it is. */
  void revoke(UUID certificateId, Revocation revocation);

  /**
   * Leaves that were given before.
   *
   * @param latest of the certificate for the alias
   * @param underKey the latest under the caller's idempotency key, of whatever certificate
   */
  record Leaves(Optional<Redemption> latest, Optional<Redemption> underKey) {}

  /** Decides on a certificate whose row is locked. */
  @FunctionalInterface
  interface Redeeming {
    /**
     * Returns the latest leave, if it still holds, or a new one to store.
     *
     * @throws io.ballast.kit.error.MeshException if it cannot be redeemed
     */
    Redemption decide(Evidence evidence, Leaves earlier);
  }

  /**
   * Redeems a certificate for an alias in one transaction, its row locked. Empty if there is none.
   */
  Optional<CertificateRedemptions.Redeemed> redeem(
      UUID certificateId, String alias, Caller caller, Redeeming redeeming);

  /**
   * Notes that it is {@code now}, but no later than the store's own clock and {@code skew}, and
   * returns the latest time that was ever noted: a clock that is moved back moves no certificate
   * back.
   */
  Instant latestTime(Instant now, Duration skew);
}
