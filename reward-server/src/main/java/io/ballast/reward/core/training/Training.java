package io.ballast.reward.core.training;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.training.data.BadRow;
import io.ballast.training.reward.VersionName;
import java.time.Instant;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A training, as its record has it. Immutable: each change returns the next one.
 *
 * @param id of version 7
 * @param tenant whose
 * @param key that it was started with
 * @param fingerprint of what was asked
 * @param version what it is to publish
 * @param command the command line that would train the same
 * @param state how far it has come
 * @param start when it began
 * @param end when it ended, not before it began; empty while it runs
 * @param progress what it does, or did last
 * @param badRows the first rows that were left out, in their order
 * @param badRowCount how many were, ≥ 0
 * @param result what came of it; of one that succeeded
 * @param failure why nothing came of it; of one that ended otherwise
 */
public record Training(
    UUID id,
    String tenant,
    String key,
    String fingerprint,
    VersionName version,
    String command,
    State state,
    Instant start,
    Optional<Instant> end,
    Progress progress,
    List<BadRow> badRows,
    long badRowCount,
    Optional<Result> result,
    Optional<Failure> failure) {
  private static final int KEPT_BAD_ROWS = 100;

  /** How far a training has come. */
  public enum State {
    /** It runs. */
    RUNNING,
    /** Its version is published. */
    SUCCEEDED,
    /** It failed; there is no version. */
    FAILED,
    /** Somebody ended it; there is no version. */
    CANCELLED,
    /** The server stopped while it ran; there is no version. */
    INTERRUPTED
  }

  /** What a training does. */
  public enum Phase {
    /** It reads feedback. */
    READING_FEEDBACK,
    /** It reads prompts and completions with the trunk. */
    READING_TEXTS,
    /** It trains members, a head after the other. */
    TRAINING_MEMBERS,
    /** It writes the version. */
    PUBLISHING
  }

  /**
   * How far it has come.
   *
   * @param done events, prompts or heads, of which a member has one by each objective, ≥ 0
   * @param all how many there are; 0: not known
   */
  public record Progress(Phase phase, long done, long all) {}

  /**
   * What came of a training.
   *
   * @param version that was published
   * @param facts what was trained on and how, by name, in order
   * @param members the held-out figures of each member
   * @param ensemble those of all together
   * @param objectives what each of several objectives came to; none if there is one without a name
   */
  public record Result(
      PinnedVersion version,
      Map<String, String> facts,
      List<Map<String, Double>> members,
      Map<String, Double> ensemble,
      List<ObjectiveResult> objectives) {
    public Result {
      objectives = List.copyOf(objectives);
      facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
      members = members.stream().map(Map::copyOf).toList();
      ensemble = Map.copyOf(ensemble);
    }
  }

  /**
   * What one of several objectives came to, by itself.
   *
   * @param weight in the sum
   * @param members the held-out figures of each member by it
   * @param ensemble those of all together by it
   */
  public record ObjectiveResult(
      String name, double weight, List<Map<String, Double>> members, Map<String, Double> ensemble) {
    public ObjectiveResult {
      members = members.stream().map(Map::copyOf).toList();
      ensemble = Map.copyOf(ensemble);
    }
  }

  /**
   * Why nothing came of it.
   *
   * @param reason for machines, such as {@code DEPENDENCY_DOWN}
   * @param message for a person, one line
   */
  public record Failure(String reason, String message) {}

  public Training {
    badRows = List.copyOf(badRows);
  }

  /** Whether nothing more comes of it. */
  public boolean hasEnded() {
    return state != State.RUNNING;
  }

  /** The same, further on. */
  Training at(Progress now) {
    return with(state, end, now, badRows, badRowCount, result, failure);
  }

  /** The same, with more rows that were left out. */
  Training leavingOut(List<BadRow> more, long count) {
    List<BadRow> rows =
        Stream.concat(badRows.stream(), more.stream())
            .sorted(Comparator.comparingLong(BadRow::row))
            .limit(KEPT_BAD_ROWS)
            .toList();
    return with(state, end, progress, rows, badRowCount + count, result, failure);
  }

  /** The same, well ended; {@code when} may be of another clock than the start. */
  Training succeeded(Instant when, long rowsLeftOut, Result came) {
    return with(
        State.SUCCEEDED,
        Optional.of(notBeforeStart(when)),
        new Progress(Phase.PUBLISHING, 1, 1),
        badRows,
        rowsLeftOut,
        Optional.of(came),
        Optional.empty());
  }

  /** The same, ended without a version; a clock may have been set back since the start. */
  Training ended(State how, Instant now, Failure why) {
    return with(
        how,
        Optional.of(notBeforeStart(now)),
        progress,
        badRows,
        badRowCount,
        Optional.empty(),
        Optional.of(why));
  }

  private Instant notBeforeStart(Instant when) {
    return when.isBefore(start) ? start : when;
  }

  private Training with(
      State nextState,
      Optional<Instant> nextEnd,
      Progress nextProgress,
      List<BadRow> rows,
      long rowCount,
      Optional<Result> nextResult,
      Optional<Failure> nextFailure) {
    return new Training(
        id,
        tenant,
        key,
        fingerprint,
        version,
        command,
        nextState,
        start,
        nextEnd,
        nextProgress,
        rows,
        rowCount,
        nextResult,
        nextFailure);
  }
}
