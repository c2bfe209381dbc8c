package io.ballast.loadtest.bench;

import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Whether an engine's memory stays what it is: many generations, each third of them given up at
 * random, with the process's resident memory and the heap's live part sampled on the way.
 */
final class FlatMemoryBench {
  private static final int GENERATIONS = 1_000;
  private static final int SAMPLES = 40;
  private static final int IN_FLIGHT = 16;
  private static final double GOAL = 1.05;

  /**
   * Memory at some point on the way.
   *
   * @param at generations that were begun, or seconds
   * @param residentBytes of the process, heap and native
   * @param heapBytes that are live after a collection
   */
  record Sample(int at, long residentBytes, long heapBytes) {}

  private final Path model;
  private final Path work;
  private final Runnable progress;

  FlatMemoryBench(Path model, Path work, Runnable progress) {
    this.model = model;
    this.work = work;
    this.progress = progress;
  }

  /** How often {@link #sample} tells of progress. */
  static int steps() {
    return SAMPLES;
  }

  /** Generates, and returns what memory was on the way. */
  List<Sample> sample() throws IOException {
    Path folder = RandomWeights.of(model, work.resolve("random-memory"));
    SplittableRandom random = new SplittableRandom(9);
    List<Sample> samples = new ArrayList<>();
    try (TorchDecoder engine = TorchDecoder.load(folder, ServingOptions.defaults())) {
      Deque<GenerationHandle> open = new ArrayDeque<>();
      for (int i = 1; i <= GENERATIONS; i++) {
        GenerationRequest request =
            new GenerationRequest(
                BenchTexts.words(i, random.nextInt(1, 160)),
                false,
                160,
                SamplingOptions.builder().maxNewTokens(random.nextInt(1, 48)).seed(i).build());
        GenerationHandle handle = engine.generate(request, token -> {});
        open.add(handle);
        if (random.nextInt(3) == 0) {
          open.stream().skip(random.nextInt(open.size())).findFirst().orElse(handle).cancel();
        }
        if (open.size() >= IN_FLIGHT) {
          var unused = open.remove().result().join();
        }
        if (i % (GENERATIONS / SAMPLES) == 0) {
          samples.add(new Sample(i, resident(), heap()));
          progress.run();
        }
      }
      open.forEach(handle -> handle.result().join());
    }
    return samples;
  }

  /** The mean of the last quarter beside that of the second. */
  static List<Figure> figures(List<Sample> samples) {
    return List.of(
        lateBesideEarly(
            "resident memory", samples.stream().map(s -> s.residentBytes() / 1e6).toList(), GOAL),
        lateBesideEarly(
            "live heap", samples.stream().map(s -> s.heapBytes() / 1e6).toList(), GOAL));
  }

  /** The mean of the last quarter beside that of the second; of four or more. */
  static Figure lateBesideEarly(String what, List<Double> megabytes, double goal) {
    int quarter = megabytes.size() / 4;
    double early = mean(megabytes.subList(quarter, 2 * quarter));
    double late = mean(megabytes.subList(3 * quarter, megabytes.size()));
    return Pairs.alone(
        what + ", last quarter / second", "ratio", List.of(late / early), new Goal.Below(goal));
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  /** What this process has in memory, heap and native, in bytes. */
  static long resident() throws IOException {
    return resident("self");
  }

  /** What a process has in memory, in bytes. */
  static long resident(String process) throws IOException {
    Path status = Path.of("/proc", process, "status");
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1_024;
      }
    }
    throw new IOException(status + ": no VmRSS");
  }

  private static long heap() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  /** The samples as a picture, resident memory above and the live heap below. */
  static String svg(List<Sample> samples) {
    return svg(
        samples,
        "Memory over %,d generations, a third given up at random".formatted(samples.getLast().at()),
        "generations");
  }

  /** The same under another title, over another axis. */
  static String svg(List<Sample> samples, String title, String axis) {
    double most = samples.stream().mapToLong(Sample::residentBytes).max().orElse(1) / 1e6 * 1.1;
    StringBuilder svg = new StringBuilder();
    svg.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 320" font-family="sans-serif" font-size="12">
        <rect width="640" height="320" fill="white"/>
        <text x="320" y="20" text-anchor="middle">%s</text>
        <text x="340" y="312" text-anchor="middle">%s</text>
        """
            .formatted(title, axis));
    for (int i = 0; i <= 4; i++) {
      double y = 270 - 230 * i / 4.0;
      svg.append(
          "<line x1=\"60\" x2=\"620\" y1=\"%1$.1f\" y2=\"%1$.1f\" stroke=\"#ddd\"/><text x=\"54\" y=\"%2$.1f\" text-anchor=\"end\">%3$.0f MB</text>%n"
              .formatted(y, y + 4, most * i / 4));
      int at = samples.getLast().at() * i / 4;
      svg.append(
          "<text x=\"%d\" y=\"288\" text-anchor=\"middle\">%,d</text>%n"
              .formatted(60 + 140 * i, at));
    }
    svg.append(line(samples.stream().map(s -> s.residentBytes() / 1e6).toList(), most, "#1565c0"));
    svg.append(line(samples.stream().map(s -> s.heapBytes() / 1e6).toList(), most, "#c62828"));
    svg.append(
        """
        <text x="610" y="46" text-anchor="end" fill="#1565c0">resident (heap and native)</text>
        <text x="610" y="62" text-anchor="end" fill="#c62828">live heap</text>
        </svg>
        """);
    return svg.toString();
  }

  private static String line(List<Double> megabytes, double most, String colour) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < megabytes.size(); i++) {
      double x = 60 + 560.0 * (i + 1) / megabytes.size();
      points.append("%.1f,%.1f ".formatted(x, 270 - 230 * megabytes.get(i) / most));
    }
    return "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>%n"
        .formatted(colour, points.toString().strip());
  }
}
