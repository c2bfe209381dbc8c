package io.ballast.safety.core.gate;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.gate.DisplayGate;
import io.ballast.rl.gate.GateDecision;
import io.ballast.safety.core.SafetyMonitor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** The two stages of the display gate: features → trees → probability → decision. Thread-safe. */
public final class GateFlow implements AutoCloseable {
  private static final int MAX_LOG_PROBS = 4_096;
  private static final float LARGEST_LOG_PROB = 1e-3f; // rounding may leave a little above 0

  private final StageModel context;
  private final StageModel suggestion;
  private final int maxTextBytes;
  private final SafetyMonitor monitor;

  /**
   * @param maxTextBytes longer prompts and suggestions are refused, in UTF-8
   */
  public GateFlow(
      GateSource source,
      GateChoice context,
      GateChoice suggestion,
      int maxTextBytes,
      SafetyMonitor monitor) {
    this.context = new StageModel(GateStage.CONTEXT, context, source);
    this.suggestion = new StageModel(GateStage.SUGGESTION, suggestion, source);
    this.maxTextBytes = maxTextBytes;
    this.monitor = monitor;
  }

  /** Loads the models that are there; returns what kept the others from being loaded. */
  public List<MeshException> warmUp() {
    return Stream.of(context.warmUp(), suggestion.warmUp()).filter(Objects::nonNull).toList();
  }

  /**
   * Stage 1.
   *
   * @throws MeshException MALFORMED_REQUEST, or as {@link GateSource#open}
   */
  public GateAnswer decideGeneration(String prompt, long explorationSeed) {
    requireText("prompt", prompt);
    AcceptModel model = context.get();
    return monitor.watch(
        "gate.context",
        () -> {
          double p = probability(model, GateFeatures.context(prompt));
          double draw = ExplorationDraw.of(explorationSeed, GateStage.CONTEXT);
          DisplayGate gate = model.spec().gate();
          GateDecision decision = gate.decideGeneration(p, draw);
          boolean skips = decision.lets() && !gate.needsSecondLook(decision.outcome());
          return answered(GateStage.CONTEXT, model, decision, skips);
        });
  }

  /**
   * Stage 2.
   *
   * @throws MeshException MALFORMED_REQUEST, or as {@link GateSource#open}
   */
  public GateAnswer decideDisplay(String prompt, GateSuggestion shown, long explorationSeed) {
    requireText("prompt", prompt);
    requireText("suggestion", shown.text());
    requireLogProbs(shown);
    AcceptModel model = suggestion.get();
    return monitor.watch(
        "gate.suggestion",
        () -> {
          double p = probability(model, GateFeatures.suggestion(prompt, shown));
          double draw = ExplorationDraw.of(explorationSeed, GateStage.SUGGESTION);
          GateDecision decision = model.spec().gate().decideDisplay(p, draw);
          return answered(GateStage.SUGGESTION, model, decision, false);
        });
  }

  /**
   * What a stage's model says, without a decision.
   *
   * @param features shape [features of the stage], in the order of its names
   * @param probability of acceptance, 0 to 1
   */
  public record Opinion(List<Float> features, double probability) {
    public Opinion {
      features = List.copyOf(features);
    }
  }

  /** The models of the stages, those that are loaded. */
  public List<AcceptModel> models() {
    return Stream.of(context, suggestion).flatMap(stage -> stage.loaded().stream()).toList();
  }

  /**
   * Stage 1's opinion.
   *
   * @throws MeshException MALFORMED_REQUEST, or as {@link GateSource#open}
   */
  public Opinion opinion(String prompt) {
    requireText("prompt", prompt);
    return opinion(context.get(), GateFeatures.context(prompt));
  }

  /**
   * Stage 2's opinion.
   *
   * @throws MeshException MALFORMED_REQUEST, or as {@link GateSource#open}
   */
  public Opinion opinion(String prompt, GateSuggestion shown) {
    requireText("prompt", prompt);
    requireText("suggestion", shown.text());
    requireLogProbs(shown);
    return opinion(suggestion.get(), GateFeatures.suggestion(prompt, shown));
  }

  private static Opinion opinion(AcceptModel model, float[] features) {
    List<Float> values = new ArrayList<>(features.length);
    for (float feature : features) {
      values.add(feature);
    }
    return new Opinion(values, probability(model, features));
  }

  private static double probability(AcceptModel model, float[] features) {
    return model.spec().calibration().probability(model.logOdds(features));
  }

  private GateAnswer answered(
      GateStage stage, AcceptModel model, GateDecision decision, boolean skipsStageTwo) {
    monitor.gateDecided(stage, decision.outcome());
    return new GateAnswer(decision, model.id(), skipsStageTwo);
  }

  private void requireText(String field, String text) {
    if (text.isEmpty()) {
      throw Texts.malformed(field, "empty (expected: at least 1 byte)");
    }
    int bytes = Texts.utf8Bytes(text);
    if (bytes > maxTextBytes) {
      throw Texts.malformed(field, "%,d bytes, limit %,d".formatted(bytes, maxTextBytes));
    }
    String flaw = Texts.encodingFlaw(text);
    if (flaw != null) {
      throw Texts.malformed(field, flaw);
    }
  }

  private static void requireLogProbs(GateSuggestion shown) {
    int count = shown.logProbs().size();
    if (count > MAX_LOG_PROBS) {
      throw Texts.malformed("log_probs", "%,d, limit %,d".formatted(count, MAX_LOG_PROBS));
    }
    for (int t = 0; t < count; t++) {
      float value = shown.logProbs().get(t);
      boolean holds = Float.isFinite(value) && value <= LARGEST_LOG_PROB;
      if (!holds) {
        throw Texts.malformed("log_probs[" + t + "]", value + " (expected: finite, at most 0)");
      }
    }
  }

  @Override
  public void close() {
    context.close();
    suggestion.close();
  }
}
