package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.loadtest.bench.FlatMemoryBench.Sample;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench inference} measures can be measured, and what it says follows from it. */
class InferenceBenchTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void decodeAndPrefillAreMeasuredBesideCallsThatComputeTheSame() throws IOException {
    List<Figure> figures =
        new EngineBench(
                TinyModel.write(folder.resolve("tiny")), folder, 0.9, 1, System::nanoTime, () -> {})
            .decodingAndPrefill("shape", List.of(2), 48, 2);

    assertThat(figures)
        .extracting(Figure::name)
        .containsExactly("shape: decode, 2 of a prompt", "shape: prefill, 4 x 48 tokens");
    assertThat(figures).allSatisfy(figure -> assertThat(figure.value()).isPositive().isFinite());
  }

  @Test
  void callersAndAStreamAreMeasured() throws Exception {
    List<Figure> figures =
        new BatchingBench(
                TinyModel.write(folder.resolve("tiny")), folder, 1, System::nanoTime, () -> {})
            .run();

    assertThat(figures)
        .extracting(Figure::name)
        .containsExactly(
            "16 callers, beside one at a time",
            "16 callers: between tokens, p99",
            "mixed stream: first token, p50",
            "mixed stream: first token, p99",
            "mixed stream: between tokens, p99");
    assertThat(figures.get(2).value()).isPositive().isLessThanOrEqualTo(figures.get(3).value());
  }

  @Test
  void aQuantileIsAValueThatWasSeen() {
    assertThat(BatchingBench.quantile(List.of(40L, 10L, 30L, 20L), 0.5)).isEqualTo(20);
    assertThat(BatchingBench.quantile(List.of(40L, 10L, 30L, 20L), 0.99)).isEqualTo(40);
    assertThat(BatchingBench.quantile(List.of(5L), 0.5)).isEqualTo(5);
  }

  @Test
  void memoryThatGrowsMissesItsGoalAndMemoryThatSwingsDoesNot() {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      samples.add(new Sample(i + 1, 1_000_000L * (100 + i), 1_000_000L * (50 + i % 2)));
    }
    List<Figure> figures = FlatMemoryBench.figures(samples);
    // resident: 110 to 119 in the second quarter, 130 to 139 in the last; 134.5 / 114.5
    assertThat(figures.get(0).value()).isBetween(1.174, 1.175);
    assertThat(figures.get(0).holds()).isFalse();
    assertThat(figures.get(1).value()).isEqualTo(1);
    assertThat(figures.get(1).holds()).isTrue();
    assertThat(FlatMemoryBench.svg(samples)).contains("live heap").endsWith("</svg>\n");
  }

  @Test
  void aTritonThatIsNotInstalledIsAbsent() throws IOException {
    assertThat(TritonPeer.start(folder, folder.resolve("nowhere"), folder)).isEmpty();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aPeerAnswersOrIsAbsentOrSaysWhyItEnded() throws IOException {
    assertThat(start("no-such-python")).isEmpty();
    assertThat(start(script("echo '{\"absent\": \"torch\"}'"))).isEmpty();
    String answering =
        script(
            "echo '{\"ready\": \"peer 1.2\"}'; while read line; do echo '{\"seconds\": 0.5}'; done");
    try (PythonPeer peer = start(answering).orElseThrow()) {
      assertThat(peer.version()).isEqualTo("peer 1.2");
      // 3 rows of 10 tokens in half a second
      assertThat(peer.tokensPerSecond(3, new int[] {1, 2}, 10)).isEqualTo(60);
    }
    assertThatThrownBy(() -> start(script("echo no luck >&2")))
        .isInstanceOf(IOException.class)
        .hasMessage("transformers_peer.py ended at once, or did not say that it is ready: no luck");
  }

  @Test
  void aPeerTellsWhatItsRequestsTook() throws IOException {
    try (PythonPeer peer =
        start(
                script(
                    "echo '{\"ready\": \"peer\"}'; read line; echo \"$line\" > "
                        + folder.resolve("asked")
                        + "; echo '{\"seconds\": 0.5, \"cpu_seconds\": 0.25}'"))
            .orElseThrow()) {
      RequestWork work = peer.requests("m", 100, 32);

      assertThat(work.perSecond()).isEqualTo(200);
      assertThat(work.perCpuSecond()).isEqualTo(400);
      assertThat(folder.resolve("asked"))
          .hasContent("{\"model\":\"m\",\"requests\":100,\"in_flight\":32}");
    }
  }

  @Test
  void perfAnalyzerIsReadOrAbsent() throws IOException {
    assertThat(perfAnalyzer(folder.resolve("nowhere"), Duration.ofMinutes(1))).isEmpty();
    assertThat(
            PerfAnalyzer.throughput(
                "  Client: \n    Request count: 8\n    Throughput: 9986.82 infer/sec\n"))
        .contains(9986.82);
    assertThat(PerfAnalyzer.throughput("failed to connect")).isEmpty();
  }

  private Optional<PerfAnalyzer> perfAnalyzer(Path installation, Duration patience)
      throws IOException {
    return PerfAnalyzer.find(installation, folder, "127.0.0.1:1", patience);
  }

  /** Returns a folder as if perf_analyzer were installed there, which does {@code commands}. */
  private Path perfAnalyzerThat(String commands) throws IOException {
    Path installation = Files.createTempDirectory(folder, "triton");
    Path program = installation.resolve("venv/bin/perf_analyzer");
    Files.createDirectories(program.resolveSibling(""));
    Files.move(Path.of(script(commands)), program);
    Path libraries =
        Files.createDirectories(installation.resolve("site-packages/nvidia_pytriton.libs"));
    for (String library : List.of("libb64-1.so", "libcudart-2.so")) {
      Files.createFile(libraries.resolve(library));
    }
    return installation;
  }

  @Test
  void perfAnalyzerRunsAgainInTheSameFolderAndFindsItsLibraries() throws IOException {
    Path first = perfAnalyzerThat("echo Throughput: 1 infer/sec");
    Path second =
        perfAnalyzerThat(
            "for folder in $(echo $LD_LIBRARY_PATH | tr : ' '); do ls -l $folder; done;"
                + " echo $*; echo Throughput: 2.5 infer/sec");
    for (int i = 0; i < 2; i++) {
      Duration patience = Duration.ofMinutes(1);
      assertThat(perfAnalyzer(first, patience).orElseThrow().requestsPerSecond("m", 4, 2))
          .isEqualTo(1);
      assertThat(perfAnalyzer(second, patience).orElseThrow().requestsPerSecond("m", 4, 2))
          .isEqualTo(2.5);
      assertThat(folder.resolve("perf-analyzer-libraries/libb64.so.0d").toRealPath())
          .startsWith(second.toRealPath());
    }
  }

  @Test
  void aPerfAnalyzerThatDoesNotEndIsEnded() throws IOException {
    Path installation = perfAnalyzerThat("exec sleep 98765");
    PerfAnalyzer silent = perfAnalyzer(installation, Duration.ofMillis(200)).orElseThrow();
    assertThatThrownBy(() -> silent.requestsPerSecond("m", 4, 2))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("perf_analyzer did not end within 200 ms");
    for (ProcessHandle child : ProcessHandle.current().children().toList()) {
      if (child.info().commandLine().orElse("").matches(".*(98765|perf_analyzer).*")) {
        // a killed one may take a moment to go
        assertThat(child.onExit()).succeedsWithin(Duration.ofSeconds(30));
      }
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).noneMatch(file -> file.toString().endsWith(".txt"));
    }
  }

  @Test
  void aPeerThatSaysSomethingElseIsNoPeer() {
    assertThatThrownBy(() -> start(script("echo why >&2; echo Loading...; exec sleep 600")))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("why");
  }

  private Optional<PythonPeer> start(String python) throws IOException {
    return PythonPeer.start(python, "transformers_peer.py", folder, List.of(), 1);
  }

  /** Returns a program that does {@code commands} whatever it is given. */
  private String script(String commands) throws IOException {
    Path file = Files.createTempFile(folder, "peer", ".sh");
    Files.writeString(file, "#!/bin/sh\n" + commands + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file.toString();
  }
}
