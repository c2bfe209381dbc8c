package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a scoring folder says is read back as it was written, or refused by name. */
class ScoringModelFolderTest {
  private static final int HIDDEN_SIZE = TinyFolders.GROUPED.hiddenSize();

  @TempDir Path temporary;
  private Path folder = Path.of("");
  private ScoringModel model;

  @BeforeEach
  void write() throws IOException {
    Path trunk = TinyFolders.trunk(temporary.resolve("trunk"), TinyFolders.GROUPED, 3);
    model = TinyFolders.heads(trunk, ScoringKind.REWARD_ENSEMBLE, 2, HeadActivation.GELU, 5);
    folder = temporary.resolve("java-reward/1");
    ScoringModelFolder.write(folder, model, Map.of("seed", "5"));
  }

  @Test
  void whatWasWrittenIsReadBack() {
    ScoringModel read = ScoringModelFolder.read(folder, HIDDEN_SIZE);
    assertThat(read.spec()).isEqualTo(model.spec());
    assertThat(read.heads().featureMean()).isEqualTo(model.heads().featureMean());
    assertThat(read.heads().featureStd()).isEqualTo(model.heads().featureStd());
    for (int k = 0; k < 2; k++) {
      assertThat(read.heads().heads().get(k))
          .usingRecursiveComparison()
          .isEqualTo(model.heads().heads().get(k));
    }
  }

  @Test
  void whatOfAPromptItWasTrainedToSeeIsReadBack() throws IOException {
    String config = Files.readString(folder.resolve("config.json"));

    assertThat(ScoringModelFolder.parse(config).promptTokens()).isEmpty();
    assertThat(parsed(config, "96").promptTokens()).hasValue(96);
    assertThat(parsed(config, "0").promptTokens()).hasValue(0);
    assertThatThrownBy(() -> parsed(config, "-1"))
        .hasMessage("prompt_tokens: -1 (expected: ≥ 0; 0 means all)");
    assertThatThrownBy(() -> parsed(config, "\"the last 96\""))
        .hasMessageContaining("expected: a whole number");
    ScoringModelFolder.write(
        folder, new ScoringModel(parsed(config, "96"), model.heads()), Map.of());
    assertThat(ScoringModelFolder.readSpec(folder)).isEqualTo(parsed(config, "96"));
  }

  @Test
  void theTemperatureOfEachMemberIsReadBackAndIsAbsentWhereNoneIsSaid() throws IOException {
    String config = Files.readString(folder.resolve("config.json"));
    ScoringSpec spec = ScoringModelFolder.parse(withTemperatures(config, "[0.5, 0]"));

    assertThat(ScoringModelFolder.parse(config).inverseTemperature(1)).isEmpty();
    assertThat(spec.inverseTemperature(0)).hasValue(0.5);
    assertThat(spec.inverseTemperature(1)).hasValue(0);
    ScoringModelFolder.write(folder, new ScoringModel(spec, model.heads()), Map.of());
    assertThat(ScoringModelFolder.readSpec(folder)).isEqualTo(spec);
    assertThatThrownBy(() -> ScoringModelFolder.parse(withTemperatures(config, "[1]")))
        .hasMessage("inverse_temperatures: 1 (expected: one a head, 2, or none)");
    assertThatThrownBy(() -> ScoringModelFolder.parse(withTemperatures(config, "[1, -1]")))
        .hasMessage("inverse_temperatures[1]: -1.0 (expected: finite, ≥ 0)");
    assertThatThrownBy(() -> ScoringModelFolder.parse(withTemperatures(config, "[1, null]")))
        .hasMessage("inverse_temperatures[1]: null (expected: a number)");
  }

  @Test
  void howTheTrunkReadTextsIsReadBackAndIsAbsentWhereItIsNotSaid() throws IOException {
    String config = Files.readString(folder.resolve("config.json"));
    assertThat(ScoringModelFolder.parse(config).trunk().text()).isEmpty();
    String plain =
        config.replace("\"weights_sha256\"", "\"tokenizer_sha256\": \"7a\", \"weights_sha256\"");
    assertThat(ScoringModelFolder.parse(plain).trunk().text())
        .contains(new TrunkText("7a", Optional.empty()));
    ScoringSpec chat =
        ScoringModelFolder.parse(
            plain.replace(
                "\"weights_sha256\"", "\"chat_template_sha256\": \"7b\", \"weights_sha256\""));
    assertThat(chat.trunk().text()).contains(new TrunkText("7a", Optional.of("7b")));
    ScoringModelFolder.write(folder, new ScoringModel(chat, model.heads()), Map.of());
    assertThat(ScoringModelFolder.readSpec(folder)).isEqualTo(chat);
    assertThatThrownBy(() -> ScoringModelFolder.parse(plain.replace("\"7a\"", "7")))
        .hasMessage("tokenizer_sha256: 7 (expected: a text)");
  }

  @Test
  void whatACostsScoresSayOfHarmIsReadBackAndIsAZeroWhereItIsNotSaid() throws IOException {
    Path trunk = temporary.resolve("trunk");
    ScoringModel cost = TinyFolders.heads(trunk, ScoringKind.COST, 2, HeadActivation.TANH, 5);
    ScoringModelFolder.write(folder, cost, Map.of());
    assertThat(ScoringModelFolder.readSpec(folder).cost())
        .contains(CostScale.of(CostBoundary.ZERO));
    String config = Files.readString(folder.resolve("config.json"));
    String boundary = "\"boundary\" : \"zero\"";
    assertThat(config).contains(boundary);
    assertThat(ScoringModelFolder.parse(config.replace("\"cost\" :", "\"note\" :")).cost())
        .as("older folders do not say")
        .contains(CostScale.of(CostBoundary.ZERO));

    String bin =
        "{\"predicted\": 0.25, \"observed\": 0.5, \"low\": 0.125, \"high\": 0.875, \"completions\": 4}";
    ScoringSpec measured =
        ScoringModelFolder.parse(
            config
                .replace(boundary, "\"boundary\": \"probability\"")
                .replace("\"reliability\" : [ ]", "\"reliability\": [" + bin + "]"));
    assertThat(measured.cost())
        .contains(
            new CostScale(
                CostBoundary.PROBABILITY, List.of(new ReliabilityBin(0.25, 0.5, 0.125, 0.875, 4))));
    ScoringModelFolder.write(folder, new ScoringModel(measured, cost.heads()), Map.of());
    assertThat(ScoringModelFolder.readSpec(folder)).isEqualTo(measured);

    assertThatThrownBy(
            () -> ScoringModelFolder.parse(config.replace(boundary, "\"boundary\": \"none\"")))
        .hasMessage("calibration: one (expected: none without a boundary)");
    assertThatThrownBy(
            () -> ScoringModelFolder.parse(config.replace("\"calibration\" :", "\"note\" :")))
        .hasMessage("calibration: none (expected: one, of a cost)");
    assertThatThrownBy(
            () -> ScoringModelFolder.parse(config.replace(boundary, "\"boundary\": \"five\"")))
        .hasMessage("cost.boundary: \"five\" (expected: one of [zero, probability, none])");
    assertThatThrownBy(
            () ->
                ScoringModelFolder.parse(
                    config.replace(
                        "\"reliability\" : [ ]",
                        "\"reliability\": [" + bin.replace("0.125", "0.75") + "]")))
        .hasMessageStartingWith(
            "cost.reliability[0].predicted 0.25, observed 0.5 in 0.75 to 0.875");
    assertThatThrownBy(
            () ->
                ScoringModelFolder.parse(
                    config.replace("\"kind\" : \"COST\"", "\"kind\" : \"REWARD_ENSEMBLE\"")))
        .hasMessage("cost: one (expected: none of a REWARD_ENSEMBLE)");
  }

  @Test
  void aShiftRaisesAHeadsScoresAndNothingElse() {
    ScoringHeads.Head head = model.heads().heads().getFirst();
    ScoringHeads.Head raised = head.shifted(1.5);
    assertThat(raised.outputBias()).isEqualTo((float) (head.outputBias() + 1.5));
    assertThat(raised).usingRecursiveComparison().ignoringFields("outputBias").isEqualTo(head);
    assertThatThrownBy(() -> head.shifted(Double.NaN)).hasMessage("shift: NaN (expected: finite)");
  }

  private static String withTemperatures(String config, String temperatures) {
    return config.replaceFirst("\\{", "{\"inverse_temperatures\": " + temperatures + ",");
  }

  private static ScoringSpec parsed(String config, String promptTokens) {
    return ScoringModelFolder.parse(
        config.replaceFirst("\\{", "{\"prompt_tokens\": " + promptTokens + ","));
  }

  @Test
  void aChangedWeightIsCorrupt() throws IOException {
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    refuses(HIDDEN_SIZE, Reason.CORRUPT_WEIGHTS, "model.safetensors: SHA-256");
  }

  @Test
  void aMissingFileIsNamed() throws IOException {
    Files.delete(folder.resolve("model.safetensors"));
    refuses(HIDDEN_SIZE, Reason.INVALID_FOLDER, "model.safetensors: the file is missing");
  }

  @Test
  void aTensorOfAnotherShapeIsNamedWithBothShapes() {
    refuses(
        HIDDEN_SIZE + 1,
        Reason.INVALID_FOLDER,
        "tensor features.mean: shape [40] (expected: [42])");
  }

  @Test
  void aNanWeightIsNamed() throws IOException {
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    // the last tensor of the file is the last head's bias
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, Float.NaN);
    Files.write(weights, bytes);
    var unused = ModelManifest.write(folder, Map.of());
    refuses(
        HIDDEN_SIZE,
        Reason.CORRUPT_WEIGHTS,
        "tensor heads.1.output.bias[0]: NaN (expected: finite)");
  }

  @Test
  void aFieldOutOfRangeIsNamed() throws IOException {
    Files.delete(folder.resolve("ballast.json"));
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(config, text.replace("\"gelu\"", "\"relu\""));
    refuses(
        HIDDEN_SIZE, Reason.INVALID_FOLDER, "activation: \"relu\" (expected: one of [tanh, gelu])");
    Files.writeString(config, text.replace("\"heads\" : 2", "\"heads\" : 3"));
    refuses(HIDDEN_SIZE, Reason.INVALID_FOLDER, "heads: 3 (expected: one a normalization, 2)");
    Files.writeString(config, text.replace("log_length", "mood"));
    refuses(HIDDEN_SIZE, Reason.INVALID_FOLDER, "features[9]: \"mood\"");
  }

  @Test
  void theCautiousScoreIsTheLowestNormalisedRewardOrTheHighestRawCost() {
    ScoringSpec spec = model.spec();
    List<Float> raw = List.of(1f, 2f);
    double first = (1 - spec.normalizations().get(0).mean()) / spec.normalizations().get(0).std();
    double second = (2 - spec.normalizations().get(1).mean()) / spec.normalizations().get(1).std();
    assertThat(spec.cautious(raw)).isEqualTo(Math.min(first, second));

    ScoringModel cost =
        TinyFolders.heads(temporary.resolve("trunk"), ScoringKind.COST, 2, HeadActivation.TANH, 5);
    assertThat(cost.spec().cautious(raw)).isEqualTo(2);
    assertThat(cost.spec().cautious(List.of(-1f, -2f))).isEqualTo(-1);
  }

  @Test
  void calibrationIsASigmoid() {
    // σ(1.5·1 − 0.25) = 1 / (1 + e^−1.25) = 0.7773
    assertThat(model.spec().calibration().orElseThrow().probability(1))
        .isCloseTo(0.7773, within(1e-4));
    assertThat(new Calibration(1, 0).probability(-1e9)).isZero();
  }

  private void refuses(int hiddenSize, Reason reason, String message) {
    assertThatThrownBy(() -> ScoringModelFolder.read(folder, hiddenSize))
        .isInstanceOfSatisfying(ModelException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
  }
}
