package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.SequenceClassifier;
import io.ballast.loadtest.bench.ClosedLoop.Load;
import io.ballast.loadtest.bench.FlatMemoryBench.Sample;
import io.ballast.loadtest.bench.RewardFloodBench.Flood;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench reward} compares is the same work, and what it says follows from it. */
class RewardBenchTest {
  private static final int END = 40;

  @TempDir private Path folder = Path.of("");

  @Test
  void noTwoTextsAreAlikeInTheirEndWhichIsNeverCut() {
    RewardTexts texts = new RewardTexts();
    Set<String> prompts = new HashSet<>();
    Set<String> whole = new HashSet<>();
    for (int i = 0; i < 2_000; i++) {
      long index = texts.next();
      String prompt = RewardTexts.prompt(index);
      prompts.add(prompt.substring(Math.max(0, prompt.length() - END)));
      whole.add(RewardTexts.text(index));
    }
    assertThat(prompts).hasSize(2_000);
    assertThat(whole).hasSize(2_000);
  }

  @Test
  void theClassifierScoresTheSameInBothForms() throws IOException {
    Path trunk = TinyModel.write(folder.resolve("java-tiny/1"));
    Files.writeString(trunk.resolve("tokenizer_config.json"), "{}");
    Path huggingFace = folder.resolve("hf");
    Path heads = folder.resolve("classifier/1");
    ClassifierFolder.write(trunk, huggingFace, heads);
    try (SequenceClassifier theirs = SequenceClassifier.load(huggingFace, Arithmetic.FLOAT32);
        OnnxScorer ours = OnnxScorer.open(trunk, heads, folder.resolve("cache"), 1);
        HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(trunk)) {
      Set<Float> different = new HashSet<>();
      for (String text : List.of("a", "int value1 = ", "return names.size();")) {
        TokenIds end = TokenIds.of(tokenizer.endOfTextId());
        TokenIds tokens = tokenizer.encode(text);
        float expected = theirs.scores(List.of(end.concat(tokens))).getFirst().get(0);
        ScoreOutcome outcome =
            ours.score(List.of(new ScoringGroup(end, List.of(tokens)))).getFirst().getFirst();
        assertThat(outcome).isInstanceOf(ScoreOutcome.Scored.class);
        assertThat(((ScoreOutcome.Scored) outcome).scores().getFirst())
            .isCloseTo(expected, within(1e-4f));
        different.add(expected);
      }
      assertThat(different).hasSize(3);
    }
  }

  @Test
  void aClosedLoopTellsHowLongCallsTook() {
    long[] now = new long[1];
    try (ExecutorService one = Executors.newSingleThreadExecutor()) {
      Load load =
          ClosedLoop.load(
              1,
              Duration.ofSeconds(10),
              one,
              () -> now[0],
              index -> {
                now[0] += index == 0 ? 2_000_000_000L : 1_000_000_000L;
                return 3;
              });
      // one call of two seconds, eight of one
      assertThat(load.items()).isEqualTo(27);
      assertThat(load.seconds()).isEqualTo(10);
      assertThat(load.callsPerSecond()).isEqualTo(0.9);
      assertThat(load.millisAt(50)).isCloseTo(1_000, within(1.0));
      assertThat(load.millisAt(99)).isCloseTo(2_000, within(2.0));
    }
  }

  @Test
  void eachCallerOfAClosedLoopKnowsWhoItIs() {
    Set<Long> seen = ConcurrentHashMap.newKeySet();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      Load load =
          ClosedLoop.loadOfEach(
              3,
              Duration.ofNanos(1),
              callers,
              new AtomicLong()::getAndIncrement,
              caller -> {
                seen.add(caller);
                return 1;
              });
      assertThat(load.items()).isEqualTo(seen.size());
      assertThat(seen).isSubsetOf(0L, 1L, 2L);
    }
  }

  @Test
  void aFloodThatLeaksMissesItsGoal() {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      samples.add(new Sample(15 * (i + 1), 1_000_000L * (200 + 2 * i), 50_000_000L));
    }
    Flood flood = new Flood(samples, 60_000, 600);
    List<Figure> figures = RewardFloodBench.figures(flood);
    // resident: 220 to 238 in the second quarter, 260 to 278 in the last; 269 / 229
    assertThat(figures.get(0).value()).isBetween(1.174, 1.175);
    assertThat(figures.get(0).holds()).isFalse();
    assertThat(figures.get(1).holds()).isTrue();
    assertThat(figures.get(3).value()).isEqualTo(100);
    assertThat(RewardFloodBench.svg(flood)).contains("60,000 items").contains(">600<");
  }

  @Test
  void aServerInPythonIsAbsentOrSaysWhyItEnded() throws IOException {
    assertThat(start("no-such-python")).isEmpty();
    assertThat(start(script("echo '{\"absent\": \"mlserver\"}'"))).isEmpty();
    String ending = script("echo '{\"ready\": \"mlserver 1\"}'; echo no event loop >&2; exit 1");
    assertThatThrownBy(() -> start(ending))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("mlserver 1 does not score: ")
        .hasMessageEndingWith("no event loop");
  }

  private Optional<ClassifierPeer> start(String python) throws IOException {
    return ClassifierPeer.start(
        ClassifierPeer.Kind.MLSERVER, python, folder, folder.resolve("work"), 1);
  }

  /** Returns a program that does {@code commands} whatever it is given. */
  private String script(String commands) throws IOException {
    Path file = Files.createTempFile(folder, "python", ".sh");
    Files.writeString(file, "#!/bin/sh\n" + commands + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file.toString();
  }

  @Test
  void theHeapAndTheCpuOfAnotherProcessAreSeen() throws IOException {
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Waiting.class.getName())
            .start();
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("waiting");
      try (RemoteHeap heap = RemoteHeap.of(other.toHandle())) {
        // it holds 64 MB
        assertThat(heap.liveBytes()).isBetween(64_000_000L, 200_000_000L);
      }
      assertThat(ProcessCpu.seconds(other.toHandle())).isPositive();
    } finally {
      other.destroyForcibly();
    }
  }

  /** A process that holds memory until its input ends. */
  static final class Waiting {
    private Waiting() {}

    public static void main(String[] arguments) throws IOException {
      byte[] held = new byte[64_000_000];
      System.out.println("waiting");
      int end = System.in.read();
      System.out.println(held.length + end);
    }
  }
}
