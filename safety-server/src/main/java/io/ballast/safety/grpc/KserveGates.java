package io.ballast.safety.grpc;

import io.ballast.inference.api.PerToken;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.InferenceTimes;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateFlow;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gate.GateSuggestion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The display gate's models as KServe clients see them: texts in, the probability of acceptance and
 * the features it was made of out, NaN where one is missing. They decide nothing here, and explore
 * nothing.
 */
public final class KserveGates implements ServedModels {
  private static final String PROMPT = "prompt";
  private static final String SUGGESTION = "suggestion";
  private static final String LOG_PROBS = "log_probs";

  private final GateFlow flow;
  private final LongSupplier nanoTime;

  public KserveGates(GateFlow flow, LongSupplier nanoTime) {
    this.flow = flow;
    this.nanoTime = nanoTime;
  }

  @Override
  public List<ModelState> states() {
    return flow.models().stream()
        .map(model -> ModelState.ready(model.id().model(), model.id().version()))
        .toList();
  }

  /** Each stage has one version, which serves. */
  @Override
  public Optional<ServedModel> find(String model, String version) {
    return flow.models().stream()
        .filter(gate -> gate.id().model().equals(model))
        .filter(gate -> version.isEmpty() || gate.id().version().equals(version))
        .<ServedModel>map(ServedGate::new)
        .findFirst();
  }

  private final class ServedGate implements ServedModel {
    private final AcceptModel model;

    ServedGate(AcceptModel model) {
      this.model = model;
    }

    @Override
    public PinnedVersion id() {
      return model.id();
    }

    @Override
    public ModelSignature signature() {
      List<TensorSpec> inputs = new ArrayList<>();
      inputs.add(TensorSpec.of(PROMPT, Datatype.BYTES, 1));
      if (model.spec().stage() == GateStage.SUGGESTION) {
        inputs.add(TensorSpec.of(SUGGESTION, Datatype.BYTES, 1));
        inputs.add(new TensorSpec(LOG_PROBS, Datatype.FP32, List.of(-1L), true));
      }
      List<String> features = model.spec().features();
      return new ModelSignature(
          0,
          false,
          inputs,
          List.of(
              TensorSpec.of("accept_probability", Datatype.FP32, 1),
              TensorSpec.of("features", Datatype.FP32, features.size())),
          Map.of(
              "stage",
              model.spec().stage().name(),
              "threshold",
              Double.toString(model.spec().threshold()),
              "features",
              String.join(",", features)));
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      long start = nanoTime.getAsLong();
      GateContext place = GateContext.of(command.text(PROMPT).orElseThrow());
      GateFlow.Opinion opinion =
          switch (model.spec().stage()) {
            case CONTEXT -> flow.opinion(place);
            case SUGGESTION -> flow.opinion(place, suggestion(command));
          };
      Duration infer = Duration.ofNanos(nanoTime.getAsLong() - start);
      return new LastAnswer(
          List.of(
              Tensor.list(
                  "accept_probability",
                  new TensorValues.Floats(List.of((float) opinion.probability()))),
              Tensor.list("features", new TensorValues.Floats(opinion.features()))),
          new InferenceTimes(Duration.ZERO, Duration.ZERO, infer, Duration.ZERO));
    }

    private static GateSuggestion suggestion(InferenceCommand command) {
      List<Float> given = command.floats(LOG_PROBS);
      float[] logProbs = new float[given.size()];
      for (int t = 0; t < logProbs.length; t++) {
        logProbs[t] = given.get(t);
      }
      return new GateSuggestion(
          command.text(SUGGESTION).orElseThrow(), PerToken.of(logProbs), Optional.empty());
    }
  }
}
