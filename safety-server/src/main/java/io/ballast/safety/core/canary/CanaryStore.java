package io.ballast.safety.core.canary;

import io.ballast.kit.call.PinnedVersion;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Where watches are kept. What writes to one needs its latest claim, and is refused with false.
 *
 * <p>Every method may throw DEPENDENCY_DOWN: the store is away.
 */
public interface CanaryStore {
  /** Models of which an alias was ever moved by a certificate: no other has a canary. */
  List<String> models();

  /** Whether this canary was seen before. */
  boolean knows(CanarySubject subject);

  /**
   * What a canary's certificate promised, and by which judge; empty if there is none of this id.
   */
  Optional<Promise> promise(UUID certificateId);

  /**
   * What a certificate promised.
   *
   * @param judge the cost model of its test
   * @param judgeFolderSha256 over its folder; empty if it names none
   * @param binaryCost whether its costs are 0 or 1
   * @param threshold τ
   */
  record Promise(
      PinnedVersion judge, String judgeFolderSha256, boolean binaryCost, double threshold) {}

  /** Opens a watch, unless this canary has one. */
  void open(UUID id, CanarySubject subject, CanaryTerms terms, Instant now);

  /** The watches that have not ended, oldest first. */
  List<CanaryWatch> underWay();

  /**
   * Takes a watch for so long, by the store's clock. Empty if another process has it, or it has
   * ended. Its trouble begins anew if nobody looked for longer than {@code gap} since.
   */
  Optional<CanaryWatch> take(UUID id, Duration lease, Duration gap);

  /** Keeps a watch for so long from now on. */
  boolean renew(CanaryWatch watch, Duration lease);

  /** Gives a watch back before its lease is over. */
  void release(CanaryWatch watch);

  /** Hands over what was observed, in order, from the one at this index on. */
  void observations(UUID id, int from, Consumer<Observation> sink);

  /** Keeps what was read up to a cursor, with what is known then, in one transaction. */
  boolean record(CanaryWatch watch, Reading reading, Duration lease);

  /**
   * A page of the log.
   *
   * @param cursor of its last decision
   * @param observations in it, none that was kept before
   * @param numbers of all observations
   */
  record Reading(
      Observation.Kind kind, String cursor, List<Observation> observations, CanaryNumbers numbers) {
    public Reading {
      observations = List.copyOf(observations);
    }
  }

  /** Everything that there was has been read and judged. */
  boolean sawAll(CanaryWatch watch, CanaryVerdict verdict, String reason, Instant now);

  /** All that was tried has been read and judged, but there is more: no trouble. */
  boolean sawSome(CanaryWatch watch);

  /** Something could not be, and nothing could since then. */
  boolean sawTrouble(CanaryWatch watch, String trouble, Instant since);

  /** Decides for good that the canary is rolled back. */
  boolean decide(CanaryWatch watch, CanaryVerdict verdict, String reason, Instant now);

  /** The canary is seen to have ended. */
  boolean end(CanaryWatch watch, CanaryState state, String move, Instant now);

  /** Watches, newest first; an empty model means all. */
  List<CanaryWatch> list(String model, boolean underWay, int limit);
}
