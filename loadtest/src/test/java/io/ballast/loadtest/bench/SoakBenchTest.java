package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.loadtest.bench.FlatMemoryBench.Sample;
import io.ballast.loadtest.openloop.Latencies;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.LoadResult;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

/** What a soak came to. */
class SoakBenchTest {
  private static final Latencies NONE = new Latencies(new Histogram(3));

  private static LoadResult load(
      long planned, Map<String, Long> answers, Map<String, Long> failures, long dropped) {
    LoadPlan plan =
        new LoadPlan(10, Duration.ZERO, Duration.ofHours(1), 64, 1_000_000, Duration.ofSeconds(10));
    return new LoadResult(
        plan, planned, answers, failures, dropped, 0, false, 3_600, NONE, NONE, NONE);
  }

  /** Eight looks at a process that has 100 MB in its second quarter, and 110 MB in its last. */
  private static List<Sample> samples() {
    List<Integer> megabytes = List.of(300, 50, 90, 110, 100, 100, 110, 110);
    return IntStream.range(0, megabytes.size())
        .mapToObj(i -> new Sample(i, megabytes.get(i) * 1_000_000L, 5_000_000))
        .toList();
  }

  @Test
  void theLastQuarterStandsBesideTheSecond() {
    List<Figure> figures =
        SoakBench.figures(
            new SoakBench.Soak(samples(), load(1_000, Map.of("OK", 1_000L), Map.of(), 0)));

    assertThat(figures)
        .extracting(Figure::name, Figure::unit, Figure::value, Figure::holds)
        .containsExactly(
            tuple(
                "soak at 60 %: resident memory, last quarter / second", "ratio", 110. / 100, false),
            tuple("soak at 60 %: live heap, last quarter / second", "ratio", 1., true),
            tuple("... resident memory", "MB", 105., true),
            tuple("... calls not answered as asked, of 1,000", "%", 0., true),
            tuple("... p99", "ms", 0., true));
  }

  @Test
  void itSaysWhatBecameOfCallsThatWereNotAnsweredAsAsked() {
    List<Figure> figures =
        SoakBench.figures(
            new SoakBench.Soak(
                samples(),
                load(
                    1_000,
                    Map.of("OK", 990L),
                    Map.of("RESOURCE_EXHAUSTED", 5L, "DEADLINE_EXCEEDED", 2L),
                    3)));

    assertThat(figures.subList(3, 7))
        .extracting(Figure::name, Figure::unit, f -> Math.round(f.value() * 100) / 100.)
        .containsExactly(
            tuple("... calls not answered as asked, of 1,000", "%", 1.),
            tuple("... of these DEADLINE_EXCEEDED", "calls", 2.),
            tuple("... of these RESOURCE_EXHAUSTED", "calls", 5.),
            tuple("... of these not sent: too many under way", "calls", 3.));
  }
}
