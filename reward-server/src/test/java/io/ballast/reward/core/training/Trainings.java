package io.ballast.reward.core.training;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.reward.core.training.Training.Phase;
import io.ballast.reward.core.training.Training.Progress;
import io.ballast.reward.core.training.Training.State;
import io.ballast.training.reward.VersionName;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Trainings, of tenant "acme" unless another is said, as they stand in books, each with a key of
 * its own.
 */
final class Trainings {
  static final String TENANT = "acme";
  static final Training.Result RESULT =
      new Training.Result(
          new PinnedVersion("taste", "1", "0".repeat(64)),
          Map.of(),
          List.of(),
          Map.of(),
          List.of());

  private Trainings() {}

  /** One that has begun, the {@code number}-th. */
  static Training running(int number) {
    return running(number, TENANT);
  }

  /** The same, of {@code tenant}. */
  static Training running(int number, String tenant) {
    return new Training(
        new UUID(0x7000, number),
        tenant,
        "key " + number,
        "fingerprint",
        new VersionName("taste", "1"),
        "./mesh reward train",
        State.RUNNING,
        Instant.EPOCH,
        Optional.empty(),
        new Progress(Phase.READING_TEXTS, 0, 0),
        List.of(),
        0,
        Optional.empty(),
        Optional.empty());
  }

  /** The same, so many texts on. */
  static Training at(Training training, long texts) {
    return training.at(new Progress(Phase.READING_TEXTS, texts, 100));
  }

  /** The same, well ended. */
  static Training ended(Training training) {
    return training.succeeded(Instant.EPOCH.plusSeconds(1), 0, RESULT);
  }
}
