package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.torch.DecoderNetwork.AttentionMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Token by token, a pass computes what plain loops and the network compute of whole texts. */
class DecodePassTest {
  private static final int[][] ROWS = {
    {1, 17, 39, 4, 4, 23, 8, 30}, {6, 25, 0, 11, 30, 8, 23, 4}, {2, 2, 2, 2, 2, 2, 2, 2}
  };

  @TempDir private Path folder;

  static Stream<DecoderConfig> shapes() {
    return Stream.concat(
        Stream.of(DecoderFamily.values()).map(FamilyFolders::config),
        Stream.of(FamilyFolders.biasedLlama()));
  }

  /** All that came before, for rows that are equally long. */
  private static final class Past implements AttentionMemory {
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();

    @Override
    public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
      if (layer == keys.size()) {
        keys.add(kept(key.clone()));
        values.add(kept(value.clone()));
      } else {
        keys.set(layer, kept(torch.cat(new TensorVector(keys.get(layer), key), 2)));
        values.set(layer, kept(torch.cat(new TensorVector(values.get(layer), value), 2)));
      }
      return DecoderNetwork.attend(query, keys.get(layer), values.get(layer), null, false);
    }

    /** Beyond the scope of the block; the collector frees it. */
    private static Tensor kept(Tensor tensor) {
      return tensor.retainReference();
    }
  }

  private static long[] column(int rows, int t) {
    return Arrays.stream(ROWS, 0, rows).mapToLong(row -> row[t]).toArray();
  }

  private static long[] repeated(int rows, long value) {
    long[] all = new long[rows];
    Arrays.fill(all, value);
    return all;
  }

  private static DecodePass pass(TrainableDecoder decoder, RotaryTable rotary) {
    return Objects.requireNonNull(
        DecodePass.over(decoder.weights().network(), decoder.config(), rotary));
  }

  private static Tensor hidden(
      DecodePass pass, long[] ids, long[] positions, AttentionMemory memory) {
    pass.begin(ids, positions, 1);
    return pass.hidden(0, memory, new Meeting(1));
  }

  /** The logits of all rows, by as many threads as there are memories of lanes. */
  private static float[] logits(
      DecodePass pass, long[] ids, long[] positions, List<? extends AttentionMemory> memories) {
    int lanes = memories.size();
    pass.begin(ids, positions, lanes);
    Tensor all = pass.emptyLogits(ids.length);
    Meeting meeting = new Meeting(lanes);
    try (Lanes threads = new Lanes("pass-test", lanes)) {
      threads.run(
          lanes,
          lane -> {
            try (PointerScope scope = new PointerScope();
                NoGradGuard off = new NoGradGuard()) {
              var unused = pass.logits(lane, all, memories.get(lane), meeting);
            }
          },
          meeting::abandon);
    }
    return Tensors.floats(all);
  }

  private TrainableDecoder decoder(Arithmetic arithmetic) {
    return TrainableDecoder.load(folder, arithmetic, OptimizerOptions.pretraining());
  }

  static Stream<Arguments> shapesAndLanes() {
    return shapes()
        .flatMap(shape -> Stream.of(1, 2, 3, 5).map(lanes -> Arguments.of(shape, lanes)));
  }

  @ParameterizedTest
  @MethodSource("shapesAndLanes")
  void theLogitsAreThoseOfPlainLoopsOnMoreLanesThanRowsToo(DecoderConfig config, int lanes)
      throws IOException {
    FamilyFolders.write(folder, config, 5);
    ReferenceDecoder reference = new ReferenceDecoder(config, folder);
    double[][][] expected = Stream.of(ROWS).map(reference::logits).toArray(double[][][]::new);
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32);
        RotaryTable rotary = new RotaryTable(config, decoder.weights().fullType());
        DecodePass pass = pass(decoder, rotary);
        PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      List<Past> pasts = Stream.generate(Past::new).limit(lanes).toList();
      for (int t = 0; t < ROWS[0].length; t++) {
        float[] logits = logits(pass, column(3, t), repeated(3, t), pasts);
        for (int r = 0; r < 3; r++) {
          for (int v = 0; v < config.vocabularySize(); v++) {
            assertThat((double) logits[r * config.vocabularySize() + v])
                .as("row %s, token %s, id %s", r, t, v)
                .isCloseTo(expected[r][t][v], within(2e-5));
          }
        }
      }
    }
  }

  @Test
  void inBfloat16LanesTogetherSayWhatOneSays() throws IOException {
    DecoderConfig config = FamilyFolders.config(DecoderFamily.LLAMA);
    FamilyFolders.write(folder, config, 6);
    try (TrainableDecoder decoder = decoder(Arithmetic.BFLOAT16_PRODUCTS);
        RotaryTable rotary = new RotaryTable(config, decoder.weights().fullType());
        DecodePass pass = pass(decoder, rotary);
        PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      float[] one = logits(pass, column(3, 0), repeated(3, 0), List.of(new Past()));
      float[] two = logits(pass, column(3, 0), repeated(3, 0), List.of(new Past(), new Past()));
      assertThat(two).containsExactly(one, within(0.02f));
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void inBfloat16ItRoundsWhereTheNetworkRounds(DecoderConfig config) throws IOException {
    FamilyFolders.write(folder, config, 6);
    try (TrainableDecoder decoder = decoder(Arithmetic.BFLOAT16_PRODUCTS);
        RotaryTable rotary = new RotaryTable(config, decoder.weights().fullType());
        DecodePass pass = pass(decoder, rotary);
        PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      Past ofPass = new Past();
      Past ofNetwork = new Past();
      int equal = 0;
      int all = 0;
      for (int t = 0; t < ROWS[0].length; t++) {
        long[] ids = column(3, t);
        float[] actual = Tensors.floats(hidden(pass, ids, repeated(3, t), ofPass));
        float[] expected =
            Tensors.floats(
                decoder
                    .weights()
                    .network()
                    .hidden(
                        Tensors.of(ids, 3, 1),
                        rotary.at(Tensors.of(repeated(3, t), 3, 1)),
                        ofNetwork));
        all += actual.length;
        for (int i = 0; i < actual.length; i++) {
          assertThat(actual[i]).isCloseTo(expected[i], within(0.02f));
          equal += Math.abs(actual[i] - expected[i]) < 1e-5f ? 1 : 0;
        }
      }
      // now and then the last bit of a norm takes a number to the next bfloat16
      assertThat(equal).isGreaterThan(all / 2);
    }
  }

  @Test
  void theNumberOfRowsMayChangeAndWeightsToo() throws IOException {
    DecoderConfig config = FamilyFolders.config(DecoderFamily.LLAMA);
    FamilyFolders.write(folder, config, 7);
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32);
        RotaryTable rotary = new RotaryTable(config, decoder.weights().fullType());
        DecodePass pass = pass(decoder, rotary);
        PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      float[] three = Tensors.floats(hidden(pass, column(3, 0), repeated(3, 5), new Past()));
      float[] one = Tensors.floats(hidden(pass, column(1, 0), repeated(1, 5), new Past()));
      assertThat(Arrays.copyOf(three, one.length)).containsExactly(one, within(1e-6f));

      decoder.weights().flat().mul_(new Scalar(0.5));
      decoder.weights().changed();
      float[] changed = Tensors.floats(hidden(pass, column(1, 0), repeated(1, 5), new Past()));
      float[] expected =
          Tensors.floats(
              decoder
                  .weights()
                  .network()
                  .hidden(
                      Tensors.of(column(1, 0), 1, 1),
                      rotary.at(Tensors.of(repeated(1, 5), 1, 1)),
                      new Past()));
      assertThat(changed).containsExactly(expected, within(1e-6f)).isNotEqualTo(one);
    }
  }

  @Test
  void whatIsNotANumberStaysSoInItsRowAlone() throws IOException {
    DecoderConfig config = FamilyFolders.config(DecoderFamily.LLAMA);
    FamilyFolders.write(folder, config, 8);
    try (TrainableDecoder decoder = decoder(Arithmetic.BFLOAT16_PRODUCTS);
        RotaryTable rotary = new RotaryTable(config, decoder.weights().fullType());
        DecodePass pass = pass(decoder, rotary);
        PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().network().embedding().select(0, 17).fill_(new Scalar(Float.NaN));
      float[] residual =
          Tensors.floats(hidden(pass, new long[] {17, 4}, new long[] {0, 0}, new Past()));
      int hidden = config.hiddenSize();
      for (int i = 0; i < hidden; i++) {
        assertThat(residual[i]).isNaN();
        assertThat(residual[hidden + i]).isFinite();
      }
    }
  }

  @Test
  void inSixtyFourBitsThereIsNone() throws IOException {
    DecoderConfig config = FamilyFolders.config(DecoderFamily.LLAMA);
    FamilyFolders.write(folder, config, 9);
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT64);
        RotaryTable rotary = new RotaryTable(config, decoder.weights().fullType())) {
      assertThat(DecodePass.over(decoder.weights().network(), config, rotary)).isNull();
    }
  }
}
