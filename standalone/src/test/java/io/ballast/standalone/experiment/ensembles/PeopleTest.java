package io.ballast.standalone.experiment.ensembles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.OnnxEncoder;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.pull.TinyEncoder;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * People's judgements are learned by members on an encoder; gold is of people who did not teach.
 */
class PeopleTest {
  private static final EnsemblesPlan PLAN =
      new EnsemblesPlan(2, 1, 256, 1, 1, 2, 0.25, 1, 2, 4, 1e-3);

  @TempDir Path folder;

  private final StringWriter said = new StringWriter();
  private final ExperimentProgress progress =
      new ExperimentProgress(new PrintWriter(said), () -> 0L);
  private OnnxEncoder encoder;

  @BeforeEach
  void open() throws IOException {
    encoder =
        OnnxEncoder.open(TinyEncoder.write(folder.resolve("encoder")), EncoderOptions.defaults());
  }

  @AfterEach
  void close() {
    encoder.close();
  }

  private Path lines(List<String> lines) throws IOException {
    Path file = folder.resolve("rows.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      for (String line : lines) {
        out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    return file;
  }

  /** A text of {@code words} words, {@code east} of them east, the others west. */
  private static String walk(int east, int words) {
    return "east ".repeat(east) + "west ".repeat(words - east).strip();
  }

  @Test
  void ratedTextsAreRankedAsPeopleRateThem() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    List<String> rows =
        IntStream.range(0, 1_512)
            .mapToObj(
                i -> {
                  int east = random.nextInt(9);
                  // people who differ by one point from what the text says
                  return "{\"text\": \"%s\", \"ratings\": [%d, %d, %d, %d]}"
                      .formatted(walk(east, 8), east - 5, east - 4, east - 4, east - 3);
                })
            .toList();
    RatedTexts texts = RatedTexts.read(lines(rows), encoder, PLAN, 10_000, progress);
    assertThat(texts.size()).isEqualTo(1_512);
    GoldCurves.OfSeed curves = texts.curves(List.of(1, 64), 0, 0, 256);
    // from about 0 at random to nearly the best there is
    assertThat(curves.oracle()[1]).isGreaterThan(3.5);
    for (Aggregate aggregate : Aggregate.values()) {
      assertThat(curves.gold(aggregate)[0]).isBetween(-0.5, 0.5);
      assertThat(curves.gold(aggregate)[1]).isGreaterThan(2);
    }
  }

  @Test
  void aRowWithoutRatingsIsNamed() throws IOException {
    Path file = lines(List.of("{\"text\": \"east\", \"ratings\": [1]}"));
    assertThatThrownBy(() -> RatedTexts.read(file, encoder, PLAN, 10, progress))
        .hasMessageContaining("row 1 (expected: a text and two ratings or more, numbers)");
  }

  @Test
  void pairsAreLearnedFromOnePersonAndMeasuredByTheOthers() throws IOException {
    SplittableRandom random = new SplittableRandom(2);
    List<String> rows = new ArrayList<>();
    rows.add("{\"prompt\": \"p\", \"response_a\": true, \"response_b\": \"b\"}");
    for (int i = 0; i < 400; i++) {
      int a = random.nextInt(8);
      int b = a + 1 + random.nextInt(2);
      boolean better = random.nextBoolean();
      String vote = better ? "a" : "b";
      rows.add(
          "{\"prompt\": \"%d\", \"response_a\": \"%s\", \"response_b\": \"%s\", \"annotators\": [\"%s\", \"%s\", \"%s\"]}"
              .formatted(i, walk(better ? b : a, 10), walk(better ? a : b, 10), vote, vote, vote));
    }
    PreferencePairs pairs =
        PreferencePairs.read(PreferencePairs.Source.PANDALM, lines(rows), encoder, PLAN, progress);
    assertThat(pairs.size()).isEqualTo(400);
    assertThat(said.toString())
        .contains("PandaLM: 1 row left out, the first row 1: response_a: missing");
    Map<Aggregate, Double> agreement = pairs.agreement(0, 0);
    assertThat(agreement.values()).allSatisfy(share -> assertThat(share).isGreaterThan(0.95));
    assertThat(pairs.agreement(0, 1).values()) // every label flipped: as wrong as it was right
        .allSatisfy(share -> assertThat(share).isLessThan(0.05));
  }
}
