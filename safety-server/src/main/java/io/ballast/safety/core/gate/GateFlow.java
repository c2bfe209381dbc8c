package io.ballast.safety.core.gate;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.gate.BinaryEntropy;
import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.DisplayGate;
import io.ballast.rl.gate.GateDecision;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.GateOutcome;
import io.ballast.rl.gate.GateReason;
import io.ballast.rl.gate.GateThresholds;
import io.ballast.rl.gate.UtilityRule;
import io.ballast.safety.core.SafetyMonitor;
import io.ballast.safety.core.gate.GateAnswer.OtherStage;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The two stages of the display gate: features → trees → probability → decision. Thread-safe. */
public final class GateFlow implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GateFlow.class);
  private static final int MAX_LOG_PROBS = 4_096;
  private static final int MOST_CONTRIBUTIONS = 5;

  private final GateCatalog catalog;
  private final GateSettings settings;
  private final SafetyMonitor monitor;

  /** A flow over the models of {@code source}. */
  public GateFlow(GateSource source, GateSettings settings, SafetyMonitor monitor) {
    this.catalog = new GateCatalog(source, settings.context(), settings.suggestion());
    this.settings = settings;
    this.monitor = monitor;
  }

  /**
   * Lets other versions of the two models serve, both at once, after they are loaded.
   *
   * @param versions by model; of one that is not named, what the properties say
   * @return what keeps them from serving, by model
   */
  public Map<String, String> turn(Map<String, String> versions) {
    GateChoice context = chosen(settings.context(), versions);
    GateChoice suggestion = chosen(settings.suggestion(), versions);
    try {
      if (catalog.turn(context, suggestion)) {
        LOG.info(
            "the gate is {} {} with {} {} now",
            context.model(),
            context.version(),
            suggestion.model(),
            suggestion.version());
      }
      return Map.of();
    } catch (MeshException e) {
      return Map.of(context.model(), String.valueOf(e.getMessage()));
    }
  }

  private static GateChoice chosen(GateChoice usual, Map<String, String> versions) {
    return new GateChoice(usual.model(), versions.getOrDefault(usual.model(), usual.version()));
  }

  /** Whether {@code model} decides a stage. */
  public boolean isOf(String model) {
    return settings.context().model().equals(model) || settings.suggestion().model().equals(model);
  }

  /** Loads the models that are there; returns what kept the others from being loaded. */
  public List<MeshException> warmUp() {
    return catalog.warmUp();
  }

  /**
   * Stage 1.
   *
   * @throws MeshException MALFORMED_REQUEST; PRECONDITION_FAILED if the model is not as {@code
   *     call} expects; or as {@link GateSource#open}
   */
  public GateAnswer decideGeneration(GateContext context, GateCall call) {
    requireText("prompt", context.prompt());
    return decide(GateStage.CONTEXT, SoundInputs.of(context), call);
  }

  /**
   * Stage 2.
   *
   * @throws MeshException as {@link #decideGeneration}
   */
  public GateAnswer decideDisplay(GateContext context, GateSuggestion shown, GateCall call) {
    requireText("prompt", context.prompt());
    requireSuggestion(shown);
    return decide(GateStage.SUGGESTION, SoundInputs.of(context, shown), call);
  }

  private GateAnswer decide(GateStage stage, SoundInputs inputs, GateCall call) {
    try (GateCatalog.Held gate = catalog.hold()) {
      return gate.use(
          stage,
          call.gate(),
          model -> {
            requireFeatures(model, call.featureVersion());
            return monitor.watch(
                stage == GateStage.CONTEXT ? "gate.context" : "gate.suggestion",
                () -> decide(gate, model, inputs, call));
          });
    }
  }

  private GateAnswer decide(
      GateCatalog.Held held, AcceptModel model, SoundInputs inputs, GateCall call) {
    GateSpec spec = model.spec();
    GateStage stage = spec.stage();
    float[] features = features(spec.featureSet(), inputs);
    double logOdds = model.logOdds(features);
    double p = spec.calibration().probability(logOdds);
    Set<GateFlag> flags = EnumSet.noneOf(GateFlag.class);
    if (inputs.dropped()) {
      flags.add(GateFlag.INPUT_NOT_FINITE);
    }
    List<String> missing = GateFeatures.missing(model, features);
    StageRule rule = call.rule().orElseGet(() -> settings.rule(call.tenant()));
    DisplayGate gate =
        switch (rule) {
          case StageRule.Lines lines -> spec.gate();
          case StageRule.TimeSaved saved -> byTime(spec, saved.times());
        };
    if (stage == GateStage.SUGGESTION
        && rule instanceof StageRule.TimeSaved saved
        && saved.times().threshold().isEmpty()) {
      flags.add(GateFlag.NOTHING_SAVED);
    }
    GateDecision decision;
    if (missing.isEmpty()) {
      double draw = ExplorationDraw.of(call.explorationSeed(), stage);
      decision =
          stage == GateStage.CONTEXT ? gate.decideGeneration(p, draw) : gate.decideDisplay(p, draw);
    } else {
      flags.add(GateFlag.INPUT_MISSING);
      decision = shown(spec, p);
    }
    boolean skips =
        stage == GateStage.CONTEXT
            && missing.isEmpty()
            && decision.lets()
            && !gate.needsSecondLook(decision.outcome());
    // what was proven is of the folder's lines
    Optional<GateGuarantee> guarantee =
        rule instanceof StageRule.Lines ? spec.guarantee() : Optional.empty();
    Optional<OtherStage> other = Optional.empty();
    if (guarantee.isPresent()) {
      Partner partner = partner(held, spec, call);
      other = partner.stage();
      if (!partner.agrees()) {
        flags.add(GateFlag.GUARANTEE_LOST);
        guarantee = Optional.empty();
      }
    }
    boolean explains = settings.explains() || call.gate().isPresent();
    monitor.gateDecided(stage, decision.outcome());
    return new GateAnswer(
        decision,
        model.id(),
        model.folderSha256(),
        spec.featureSet(),
        skips,
        logOdds,
        explains
            ? Optional.of(Contributions.of(model, features, MOST_CONTRIBUTIONS))
            : Optional.empty(),
        flags,
        missing,
        guarantee,
        other,
        rule,
        call.explorationSeed());
  }

  /**
   * A gate that hides what is expected to save no time: stage 1 refers everything, stage 2 hides at
   * and below p*. Where times say nothing, everything is shown.
   */
  private static DisplayGate byTime(GateSpec spec, UtilityRule times) {
    OptionalDouble line = times.threshold();
    double below = line.isPresent() ? Math.min(1, Math.nextUp(line.getAsDouble())) : 0;
    return new DisplayGate(
        new CascadeRule(new GateThresholds(0, 0, below), true), spec.explorationShare());
  }

  /** Lets through what could not be judged; stage 2 has its own say on what stage 1 refers. */
  private static GateDecision shown(GateSpec spec, double p) {
    return new GateDecision(
        spec.stage() == GateStage.CONTEXT ? GateOutcome.REFER : GateOutcome.PASS,
        GateReason.INPUT_MISSING,
        p,
        spec.threshold(),
        BinaryEntropy.bits(p),
        spec.referEntropyBits(),
        1);
  }

  private record Partner(Optional<OtherStage> stage, boolean agrees) {}

  private static Partner partner(GateCatalog.Held held, GateSpec spec, GateCall call) {
    try {
      return held.use(
          spec.stage().other(),
          call.otherGate(),
          other ->
              new Partner(
                  Optional.of(new OtherStage(other.id(), other.folderSha256())),
                  spec.isPairedWith(other.spec())));
    } catch (MeshException e) {
      // a stage without its other half cannot keep what was proven of both
      return new Partner(Optional.empty(), false);
    }
  }

  private static void requireFeatures(AcceptModel model, int expected) {
    int found = model.spec().featureSet().version();
    if (expected != 0 && expected != found) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "feature_version: %d (expected: %d, which gate model '%s', version '%s', sees)"
              .formatted(expected, found, model.id().model(), model.id().version()),
          Map.of(
              "feature_version",
              Integer.toString(found),
              "model",
              model.id().model(),
              "version",
              model.id().version()));
    }
  }

  /**
   * What a stage's model says, without a decision.
   *
   * @param features shape [features of the stage], in the order of its names; NaN is missing
   * @param probability of acceptance, 0 to 1
   */
  public record Opinion(List<Float> features, double probability) {
    public Opinion {
      features = List.copyOf(features);
    }
  }

  /** The models of the stages that serve, those that are loaded. */
  public List<AcceptModel> models() {
    return catalog.loaded();
  }

  /**
   * Stage 1's opinion.
   *
   * @throws MeshException MALFORMED_REQUEST, or as {@link GateSource#open}
   */
  public Opinion opinion(GateContext context) {
    requireText("prompt", context.prompt());
    try (GateCatalog.Held gate = catalog.hold()) {
      return opinion(gate.serving(GateStage.CONTEXT), SoundInputs.of(context));
    }
  }

  /**
   * Stage 2's opinion.
   *
   * @throws MeshException MALFORMED_REQUEST, or as {@link GateSource#open}
   */
  public Opinion opinion(GateContext context, GateSuggestion shown) {
    requireText("prompt", context.prompt());
    requireSuggestion(shown);
    try (GateCatalog.Held gate = catalog.hold()) {
      return opinion(gate.serving(GateStage.SUGGESTION), SoundInputs.of(context, shown));
    }
  }

  private static Opinion opinion(AcceptModel model, SoundInputs inputs) {
    float[] features = features(model.spec().featureSet(), inputs);
    List<Float> values = new ArrayList<>(features.length);
    for (float feature : features) {
      values.add(feature);
    }
    double logOdds = model.logOdds(features);
    return new Opinion(values, model.spec().calibration().probability(logOdds));
  }

  private static float[] features(FeatureSet set, SoundInputs inputs) {
    return inputs
        .suggestion()
        .map(shown -> GateFeatures.suggestion(set, inputs.context(), shown))
        .orElseGet(() -> GateFeatures.context(set, inputs.context()));
  }

  private void requireSuggestion(GateSuggestion shown) {
    requireText("suggestion", shown.text());
    int count = shown.logProbs().size();
    if (count > MAX_LOG_PROBS) {
      throw Texts.malformed("log_probs", "%,d, limit %,d".formatted(count, MAX_LOG_PROBS));
    }
  }

  private void requireText(String field, String text) {
    if (text.isEmpty()) {
      throw Texts.malformed(field, "empty (expected: at least 1 byte)");
    }
    int bytes = Texts.utf8Bytes(text);
    if (bytes > settings.maxTextBytes()) {
      throw Texts.malformed(
          field, "%,d bytes, limit %,d".formatted(bytes, settings.maxTextBytes()));
    }
    String flaw = Texts.encodingFlaw(text);
    if (flaw != null) {
      throw Texts.malformed(field, flaw);
    }
  }

  @Override
  public void close() {
    catalog.close();
  }
}
