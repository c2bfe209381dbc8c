package io.ballast.safety.grpc;

import io.ballast.inference.scoring.Content;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.InferenceTimes;
import io.ballast.kit.kserve.ItemFailures;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.safety.core.cost.Cost;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.CostCatalog;
import io.ballast.safety.core.cost.CostCommand;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.cost.CostItem;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.JudgedItem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The cost models as KServe clients see them: texts in, costs and verdicts out, by the same flow as
 * Cost, at the server's threshold.
 */
public final class KserveCosts implements ServedModels {
  private static final String PROMPT = "prompt";
  private static final String COMPLETION = "completion";

  private final CostFlow flow;
  private final CostCatalog catalog;
  private final int maxItems;

  /**
   * @param maxItems the most items of one request
   */
  public KserveCosts(CostFlow flow, CostCatalog catalog, int maxItems) {
    this.flow = flow;
    this.catalog = catalog;
    this.maxItems = maxItems;
  }

  @Override
  public List<ModelState> states() {
    Map<String, String> flaws = catalog.flaws();
    return catalog.list().stream()
        .map(CostModel::id)
        .map(
            id -> {
              String flaw = flaws.get(id.model() + " " + id.version());
              return flaw == null
                  ? ModelState.ready(id.model(), id.version())
                  : new ModelState(id.model(), id.version(), false, flaw);
            })
        .toList();
  }

  @Override
  public Optional<ServedModel> find(String model, String version) {
    return ServedModels.find(
        model, version, selector -> new ServedCosts(catalog.resolve(selector)));
  }

  private final class ServedCosts implements ServedModel {
    private final CostModel model;

    ServedCosts(CostModel model) {
      this.model = model;
    }

    @Override
    public PinnedVersion id() {
      return model.id();
    }

    @Override
    public ModelSignature signature() {
      return new ModelSignature(
          maxItems,
          false,
          List.of(
              TensorSpec.of(PROMPT, Datatype.BYTES, 1),
              TensorSpec.of(COMPLETION, Datatype.BYTES, 1)),
          List.of(
              TensorSpec.of("cost", Datatype.FP32, 1),
              TensorSpec.of("harm_probability", Datatype.FP32, 1),
              TensorSpec.of("heads", Datatype.FP32, model.heads()),
              TensorSpec.of("verdict", Datatype.BYTES, 1)),
          Map.of());
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      List<String> prompts = command.texts(PROMPT);
      List<String> completions = command.texts(COMPLETION);
      List<CostItem> items = new ArrayList<>(command.batchSize());
      for (int i = 0; i < command.batchSize(); i++) {
        items.add(
            new CostItem(
                "",
                "batch[" + i + "]",
                new Content.Text(prompts.get(i)),
                new Content.Text(completions.get(i))));
      }
      CostAnswer answer =
          flow.judge(
              new CostCommand(
                  command.caller().lane(),
                  VersionSelector.version(id().model(), id().version()),
                  Truncation.KEEP_LAST, // KServe has no words for it: docs/kserve.md
                  items,
                  OptionalDouble.empty()),
              ContextPatience.ofCurrentCall());
      return new LastAnswer(tensors(answer), InferenceTimes.of(answer.times()));
    }

    private List<Tensor> tensors(CostAnswer answer) {
      SortedMap<Integer, ItemFault> faults = new TreeMap<>();
      List<Float> costs = new ArrayList<>();
      List<Float> probabilities = new ArrayList<>();
      List<List<Float>> heads = new ArrayList<>();
      List<String> verdicts = new ArrayList<>();
      for (int i = 0; i < answer.items().size(); i++) {
        JudgedItem item = answer.items().get(i);
        switch (item.cost()) {
          case Cost.Missing missing -> faults.put(i, missing.fault());
          case Cost.Estimated estimated -> {
            costs.add((float) estimated.score());
            probabilities.add((float) estimated.harmProbability());
            heads.add(estimated.headScores().stream().map(Double::floatValue).toList());
            verdicts.add(item.blocked() ? "BLOCK" : "ALLOW");
          }
        }
      }
      if (!faults.isEmpty()) {
        throw ItemFailures.of(faults, answer.items().size());
      }
      return List.of(
          Tensor.column("cost", new TensorValues.Floats(costs)),
          Tensor.column("harm_probability", new TensorValues.Floats(probabilities)),
          Tensor.table("heads", heads, model.heads()),
          Tensor.column("verdict", new TensorValues.Texts(verdicts)));
    }
  }
}
