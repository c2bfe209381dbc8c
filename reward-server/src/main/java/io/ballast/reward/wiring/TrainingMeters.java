package io.ballast.reward.wiring;

import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.TrainingWatch;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** Counts trainings, in {@code ballast.reward.trainings.*}. */
final class TrainingMeters implements TrainingWatch {
  private final Counter started;
  private final Map<Training.State, Ends> ends;

  private record Ends(Counter count, Timer time) {}

  TrainingMeters(MeterRegistry meters) {
    started = Counter.builder("ballast.reward.trainings.started").register(meters);
    ends = // all from the beginning: a rate of what has not been yet is 0, and not absent
        Arrays.stream(Training.State.values())
            .filter(state -> state != Training.State.RUNNING)
            .collect(
                Collectors.toMap(
                    state -> state,
                    state -> {
                      String name = state.name().toLowerCase(Locale.ROOT);
                      return new Ends(
                          Counter.builder("ballast.reward.trainings.ended")
                              .tag("state", name)
                              .register(meters),
                          Timer.builder("ballast.reward.trainings.time")
                              .tag("state", name)
                              .register(meters));
                    }));
  }

  @Override
  public void started() {
    started.increment();
  }

  @Override
  public void ended(Training.State state, Optional<Duration> time) {
    Ends these = Objects.requireNonNull(ends.get(state));
    these.count().increment();
    time.ifPresent(these.time()::record);
  }
}
