package io.ballast.workshop.make;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateFeatures;
import io.ballast.safety.core.gate.GateSuggestion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The models in the checkout load, know what they were trained for, and are small. */
class CommittedModelsTest {
  private static final Path MODELS = Path.of("..", "models");
  private static final Path DECODER = MODELS.resolve("java-tiny/1");
  private static final String PROMPT =
      "class A {\n  int count(List<String> names) {\n    int count = 0;\n"
          + "    for (String name : names) {\n      if (name.isEmpty()";

  @TempDir Path folder;

  @Test
  void rewardsBeatTheirBaselinesWithinAPrompt() {
    Map<String, Double> heldOut = heldOut("java-reward/1");
    double own = heldOut.getOrDefault("cautious_within_prompt_accuracy", 0.0);
    for (String baseline : List.of("length", "mean_log_prob", "sum_log_prob")) {
      assertThat(own)
          .isGreaterThan(heldOut.get("baseline_" + baseline + "_within_prompt_accuracy"));
    }
  }

  @Test
  void bothCostsTellWhatClosesFromWhatDoesNot() {
    for (String name : List.of("java-cost/1", "java-cost/2")) {
      assertThat(heldOut(name).get("cautious_auc")).isGreaterThan(0.9);
      assertThat(cautious(name, ") {")).isLessThan(cautious(name, ") ) = {"));
    }
  }

  @Test
  void theLikelyContinuationHasTheHigherReward() {
    assertThat(cautious("java-reward/1", ") {")).isGreaterThan(cautious("java-reward/1", "].x++"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "2"})
  void theGateThinksMoreOfALikelySuggestion(String version) {
    try (AcceptModel gate = gate("java-gate-suggestion", version)) {
      double likely = p(gate, ") {", -0.05f);
      double unlikely = p(gate, ") ) = {", -4);
      assertThat(likely).isGreaterThan(gate.spec().threshold());
      assertThat(unlikely).isLessThan(gate.spec().threshold());
    }
    try (AcceptModel gate = gate("java-gate-context", version)) {
      assertThat(gate.spec().heldOut().get("auc"))
          .isGreaterThan(gate.spec().heldOut().get("baseline_line_characters_auc"));
    }
  }

  @Test
  void theSecondGateKnowsThePastAndHasAGuarantee() {
    try (AcceptModel one = gate("java-gate-context", "2");
        AcceptModel two = gate("java-gate-suggestion", "2")) {
      assertThat(one.spec().featureSet()).isEqualTo(FeatureSet.TEXT_AND_HISTORY);
      assertThat(one.spec().sometimesMissing()).contains("accepted_share");
      assertThat(two.spec().sometimesMissing()).contains("accepted_share", "reward");
      assertThat(one.spec().isPairedWith(two.spec())).isTrue();
      GateGuarantee proven = two.spec().guarantee().orElseThrow();
      assertThat(proven.unit()).isEqualTo(GateGuarantee.Unit.GROUP);
      assertThat(proven.targetAccuracy()).isEqualTo(0.9);
    }
    try (AcceptModel one = gate("java-gate-context", "1")) {
      assertThat(one.spec().guarantee()).isEmpty();
    }
  }

  private static AcceptModel gate(String name, String version) {
    return GateModelFolder.open(MODELS.resolve(name + "/" + version), name, version);
  }

  @Test
  void allModelsTogetherStaySmall() throws IOException {
    long sum = 0;
    try (Stream<Path> files = Files.walk(MODELS)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.size(file)).as(file.toString()).isLessThan(12_000_000);
        sum += Files.size(file);
      }
    }
    assertThat(sum).isBetween(5_000_000L, 25_000_000L);
  }

  private Map<String, Double> heldOut(String name) {
    try (OnnxScorer scorer = open(name)) {
      return scorer.spec().heldOut();
    }
  }

  private double cautious(String name, String completion) {
    try (OnnxScorer scorer = open(name);
        HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(DECODER)) {
      TokenIds prompt = tokenizer.encode(PROMPT);
      var outcome =
          scorer
              .score(List.of(new ScoringGroup(prompt, List.of(tokenizer.encode(completion)))))
              .getFirst()
              .getFirst();
      return scorer.spec().cautious(((Scored) outcome).scores());
    }
  }

  private OnnxScorer open(String name) {
    return OnnxScorer.open(DECODER, MODELS.resolve(name), folder.resolve("onnx"), 1);
  }

  private static double p(AcceptModel gate, String text, float logProb) {
    float[] features =
        GateFeatures.suggestion(
            gate.spec().featureSet(),
            GateContext.of(PROMPT),
            new GateSuggestion(
                text, PerToken.of(logProb, logProb), Optional.of(StopReason.STOP_STRING)));
    return gate.spec().calibration().probability(gate.logOdds(features));
  }
}
