package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.GenerationTimes;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.Lane;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Step by step, on the test's own thread. */
class DecodeEngineTest {
  @TempDir private Path folder;
  private HuggingFaceTokenizerAdapter tokenizer;
  private VocabularyIndex vocabulary;
  private TrainableDecoder model;
  private RotaryTable rotary;
  private DecodeEngine engine;
  private final AtomicLong clock = new AtomicLong();
  private final AtomicLong engineClock = new AtomicLong(); // each step takes one

  @BeforeEach
  void start() throws IOException {
    TorchRuntime.setThreads(1);
    tokenizer = HuggingFaceTokenizerAdapter.load(TinyTokenizer.write(folder), 0);
    vocabulary = new VocabularyIndex(tokenizer);
    model = TinyModels.trainable(config(), Arithmetic.FLOAT32);
    rotary = new RotaryTable(config(), Arithmetic.FLOAT32.full());
    engine = engine();
  }

  private DecodeEngine engine() {
    return new DecodeEngine(
        model.weights(),
        rotary,
        tokenizer.vocabularySize(),
        new ServingOptions(Arithmetic.FLOAT32, 8, 8, 64),
        engineClock::incrementAndGet);
  }

  @AfterEach
  void close() {
    engine.close();
    rotary.close();
    model.close();
    tokenizer.close();
  }

  private static DecoderConfig config() {
    return new DecoderConfig(
        32, 48, 2, 4, 2, TinyTokenizer.vocabularySize(), 128, 1e-5, 10_000, true, 0, 0);
  }

  private DecodeRow row(String prompt, int newTokens, long seed) {
    SamplingOptions sampling = SamplingOptions.builder().maxNewTokens(newTokens).seed(seed).build();
    return new DecodeRow(
        PreparedPrompt.of(
            new GenerationRequest(prompt, false, 0, sampling), tokenizer, vocabulary, 128),
        sampling,
        seed,
        vocabulary,
        null,
        Lane.INTERACTIVE,
        token -> {},
        () -> {},
        clock::incrementAndGet);
  }

  private void steps(int count) {
    try (NoGradGuard off = new NoGradGuard()) {
      for (int i = 0; i < count; i++) {
        engine.step();
      }
    }
  }

  private Generation alone(String prompt, int newTokens, long seed) {
    try (NoGradGuard off = new NoGradGuard();
        DecodeEngine other = engine()) {
      DecodeRow row = row(prompt, newTokens, seed);
      other.begin(List.of(row));
      while (!row.ended()) {
        other.step();
      }
      return await(row);
    }
  }

  private static Generation await(DecodeRow row) {
    return Await.result(row.result());
  }

  @Test
  void whereTheTimeOfARowWentIsToldOnceItHasEnded() {
    clock.set(10);
    DecodeRow row = row("int a", 3, 1); // queued at 11
    clock.set(20);
    engine.begin(List.of(row)); // begun at 21
    clock.set(50);
    steps(1); // its first token at 51
    assertThat(row.times()).isEmpty();
    clock.set(96);
    steps(3); // its second token at 97, its third at 98, its end at 99
    var unused = row.result().join();

    assertThat(row.times())
        .hasValue(
            new GenerationTimes(Duration.ofNanos(10), Duration.ofNanos(30), Duration.ofNanos(48)));
  }

  @Test
  void aRowIsHeldUpByThoseWhoShareItsSteps() {
    DecodeRow row = row("int a", 8, 1);
    engine.begin(List.of(row));
    steps(4); // a tick each, as the engine says of a step
    assertThat(row.heldUp()).isZero();

    engine.begin(List.of(row("other", 20, 2), row("third", 20, 3)));
    steps(1); // which draws for the row alone, and computes the prompts of the others
    Duration before = row.heldUp();
    steps(2); // of three ticks each, as the row sees them
    assertThat(row.heldUp().minus(before)).isEqualTo(Duration.ofNanos(4));
  }

  @Test
  void ofALongRowOnlyTheFirstTokensTellHowLongItIsHeldUp() {
    DecodeRow row = row("int a", 40, 1);
    engine.begin(List.of(row, row("other", 40, 2)));
    steps(40); // from one token to the next it takes two ticks, alone one

    // sixteen, less the first: before it no step was known
    assertThat(row.heldUp()).isEqualTo(Duration.ofNanos(15));
  }

  @Test
  void theTimeInWhichNobodyReadsHoldsUpNobody() {
    DecodeRow row = row("int a", 20, 1);
    engine.begin(List.of(row, row("other", 20, 2)));
    steps(4);
    Duration before = row.heldUp();
    row.pause();
    clock.addAndGet(1_000_000);
    row.resume();
    steps(1);
    assertThat(row.heldUp()).isEqualTo(before);

    steps(1);
    assertThat(row.heldUp()).isEqualTo(before.plusNanos(1));
  }

  @Test
  void aRowWhoseNumbersAreSpoiledFailsAlone() {
    DecodeRow good = row("good", 20, 1);
    DecodeRow bad = row("bad", 20, 2);
    DecodeRow other = row("another", 20, 3);
    engine.begin(List.of(good, bad, other));
    steps(3);
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      KeyValueArena arena = engine.arenas().all().getFirst();
      assertThat(arena.rows().get(1).row()).isSameAs(bad);
      arena.values(1).select(0, 1).fill_(new Scalar(Double.NaN));
    }
    steps(1);
    assertThat(bad.ended()).isTrue();
    assertThatThrownBy(() -> await(bad)).hasMessageContaining("logits: not all are finite");
    assertThat(engine.takeEnded()).containsExactly(bad);
    DecodeRow late = row("takes the place of the bad one", 20, 4);
    engine.begin(List.of(late));
    steps(30);
    assertThat(await(good).tokens()).isEqualTo(alone("good", 20, 1).tokens());
    assertThat(await(other).tokens()).isEqualTo(alone("another", 20, 3).tokens());
    assertThat(await(late).tokens())
        .isEqualTo(alone("takes the place of the bad one", 20, 4).tokens());
    assertThat(engine.activeRows()).isZero();
  }

  @Test
  void aRowThatIsRemovedAndBegunAgainDrawsWhatItWouldHave() {
    Generation expected = alone("removed and begun again", 40, 7);
    for (int at = 0; at < 40; at += 9) {
      DecodeRow row = row("removed and begun again", 40, 7);
      engine.begin(List.of(row, row("some company", 12, 1)));
      steps(at);
      engine.remove(row);
      steps(2);
      engine.begin(List.of(row));
      while (engine.hasWork()) {
        steps(1);
      }
      assertThat(await(row).tokens()).isEqualTo(expected.tokens());
      assertThat(await(row).logProbs().toArray())
          .containsExactly(expected.logProbs().toArray(), within(1e-5f));
    }
  }

  @Test
  void pausedRowsStandStillWhereverTheyAre() {
    List<DecodeRow> rows =
        List.of(row("one", 20, 1), row("two", 20, 2), row("three", 20, 3), row("four", 20, 4));
    engine.begin(rows);
    steps(2);
    rows.get(0).pause();
    rows.get(2).pause();
    int position = rows.get(0).lastPosition();
    steps(30);
    assertThat(rows.get(0).lastPosition()).isEqualTo(position);
    assertThat(rows.get(1).ended() && rows.get(3).ended()).isTrue();
    assertThat(engine.hasWork()).isFalse();
    rows.get(0).resume();
    rows.get(2).resume();
    steps(30);
    for (int i = 0; i < 4; i++) {
      String prompt = List.of("one", "two", "three", "four").get(i);
      assertThat(await(rows.get(i)).tokens()).isEqualTo(alone(prompt, 20, i + 1).tokens());
    }
  }

  @Test
  void rowsFailOnceEachIfTheirPromptIsCompleteAndThereIsNoPlaceForThem() {
    String prompt = "a prompt of forty tokens or so, letter by letter ";
    DecodeRow over = row(prompt, 1, 1); // ends with the token that follows the prompt
    DecodeRow seated = row(prompt, 4, 2);
    DecodeRow without = row(prompt, 30, 3); // in the arena of longer rows, as those after it
    DecodeRow behind = row(prompt, 31, 4); // asks for other room, so that it is seated apart
    DecodeRow elsewhere = row("another prompt", 4, 5);
    List<DecodeRow> begun = List.of(over, seated, without, behind, elsewhere);
    int tokens = without.prompt().tokens().size();
    assertThat(tokens).isBetween(40, 60);
    KeyValueArena longer = engine.arenas().all().get(1);
    longer.resize(4);
    longer.keys(1).resize_(0); // what is copied there fails
    engine.begin(begun);

    assertThatThrownBy(() -> steps(1)).isInstanceOf(RuntimeException.class);
    engine.failAll(new IllegalStateException("no memory"));

    assertThat(engine.takeEnded()).containsExactlyInAnyOrderElementsOf(begun);
    assertThat(engine.activeRows()).isZero();
    assertThat(await(over).tokens().size()).isEqualTo(1);
    for (DecodeRow row : List.of(seated, without, behind, elsewhere)) {
      assertThat(row.ended()).isTrue();
      assertThatThrownBy(() -> await(row)).hasMessageContaining("no memory");
    }
    DecodeRow next = row(prompt, 30, 3);
    engine.begin(List.of(next));
    steps(40);
    assertThat(await(next).tokens()).isEqualTo(alone(prompt, 30, 3).tokens());
  }

  @Test
  void memoryFollowsNeedAndIsGivenBack() {
    LengthClasses classes = new LengthClasses(config(), Arithmetic.FLOAT32.full());
    engine.begin(List.of(row("short", 4, 1)));
    steps(1);
    assertThat(engine.keyValueBytes()).isEqualTo(classes.bytes(0));
    while (engine.hasWork()) {
      steps(1);
    }
    engine.releaseMemory();
    assertThat(engine.keyValueBytes()).isZero();
  }
}
