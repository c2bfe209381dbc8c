package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.HandedCopies.Hold;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A copy is there as long as somebody holds it, and not longer. */
class HandedCopiesTest {
  private static final int TIMES = 10;

  @TempDir private Path folder;
  private final HandedCopies copies = new HandedCopies();
  private TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
  private Path tokenizer = Path.of("tokenizer.json");

  @BeforeEach
  void aTokenizer() throws IOException {
    tokenizer = TinyTokenizer.write(folder);
  }

  @AfterEach
  void close() {
    decoder.close();
  }

  private Hold hand(String version) throws IOException {
    return copies.hand("m", version, decoder.copy(tokenizer));
  }

  @Test
  void whoReadsKeepsWhatItsGiverLetsGoOf() throws IOException {
    assertThat(copies.find("m", "1")).isEmpty();
    Hold given = hand("1");
    String sha = given.copy().weightsSha256();
    Hold read = copies.find("m", "1").orElseThrow();

    given.close();
    given.close(); // again: nothing happens
    assertThat(read.copy()).isSameAs(given.copy());
    assertThat(weightsOf(read.copy())).isEqualTo(sha);
    read.close();

    assertThat(copies.find("m", "1")).isEmpty();
    assertThat(copies.find("m", "2")).isEmpty();
    try (Hold again = hand("1")) {
      assertThat(again.copy().weightsSha256()).isEqualTo(sha);
    }
  }

  /** Of the numbers as they are read now. */
  private String weightsOf(DecoderCopy copy) throws IOException {
    return DecoderFolder.manifest(
            copy.config(),
            copy.weights().contents(WeightType.FLOAT32),
            WeightType.FLOAT32,
            tokenizer)
        .weightsSha256()
        .orElseThrow();
  }

  @Test
  void theSameWeightsMayBeHandedOverTwiceAndOthersMayNot() throws IOException {
    Hold first = hand("1");
    Hold second = hand("1");
    assertThat(second.copy()).isSameAs(first.copy());
    first.close();
    decoder.trainStep(TinyModels.rows(4, 17, 2), 1e-2);

    assertThatThrownBy(() -> hand("1"))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.ALREADY_EXISTS))
        .hasMessage("version '1' of model 'm' is there with other weights");
    assertThat(weightsOf(second.copy())).isEqualTo(second.copy().weightsSha256());
    second.close();
    assertThat(copies.find("m", "1")).isEmpty();
  }

  @Test
  void nothingStaysInNativeMemory() throws IOException {
    handSome();
    long before = HeldPointers.withoutGarbage();
    for (int i = 0; i < TIMES; i++) {
      handSome();
    }
    assertThat(HeldPointers.now()).isLessThan(before + TIMES);
  }

  private void handSome() throws IOException {
    try (Hold first = hand("1");
        Hold second = hand("1");
        Hold read = copies.find("m", "1").orElseThrow()) {
      assertThat(List.of(second.copy(), read.copy())).containsOnly(first.copy());
    }
  }

  @Test
  void readersAndTheGiverMeetInAnyOrder() throws Exception {
    try (ExecutorService readers = Executors.newFixedThreadPool(2)) {
      for (int round = 0; round < TIMES; round++) {
        String version = Integer.toString(round);
        Hold given = hand(version);
        String sha = given.copy().weightsSha256();
        Callable<String> reading =
            () -> {
              try (Hold hold = copies.find("m", version).orElse(null)) {
                return hold == null ? sha : weightsOf(hold.copy());
              }
            };
        List<Future<String>> read = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          read.add(readers.submit(reading));
        }
        given.close();
        for (Future<String> each : read) {
          assertThat(each.get()).isEqualTo(sha);
        }
        assertThat(copies.find("m", version)).isEmpty();
      }
    }
  }
}
