package io.ballast.safety.core.safetytest;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

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
     * The candidate was tested on some of these prompts before. Nothing is stored.
     *
     * @param testId the test that spent one of them
     * @param spentCount how many of the prompts are spent
     */
    record LookSpent(UUID testId, int spentCount) implements Start {}
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
   * Stores a test as RUNNING with its first claim, and spends its prompts on its candidate: all in
   * one transaction, so that of two concurrent starts on one prompt one fails.
   */
  Start start(NewTest test);

  /** One test. */
  Optional<StoredTest> find(UUID id);

  /** Tests, newest first; an empty run means all. */
  List<StoredTest> list(String runId, int limit);

  /** The ids of tests that are running, oldest first. */
  List<UUID> running();

  /**
   * Takes a running test over from whoever runs it; what was judged so far is forgotten. Empty if
   * it does not run any more.
   */
  Optional<ClaimedTest> claim(UUID id);

  /** Records progress. Returns whether the claim still holds. */
  boolean progress(ClaimedTest test, int judgedCount);

  /** Ends a test that could not be carried out, and gives its look back. False: claim lost. */
  boolean fail(ClaimedTest test, String message, Instant at);

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

  /** A certificate with what it rests on. */
  Optional<Evidence> evidence(UUID certificateId);

  /** Revokes a certificate that there is; one that is revoked stays as it is. */
  void revoke(UUID certificateId, Revocation revocation);

  /**
   * Notes that it is {@code now}, and returns the latest time that was ever noted: a clock that is
   * moved back moves no certificate back.
   */
  Instant latestTime(Instant now);
}
