package io.ballast.reward.grpc;

import io.ballast.inference.scoring.Content;
import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
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
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleCatalog;
import io.ballast.reward.core.MemberJudgement;
import io.ballast.reward.core.Reward;
import io.ballast.reward.core.RewardFlow;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.core.ScoredItem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/** The ensembles as KServe clients see them: texts in, rewards out, by the same flow as Score. */
public final class KserveRewards implements ServedModels {
  private static final String PROMPT = "prompt";
  private static final String COMPLETION = "completion";
  private static final String REWARD = "reward";
  private static final String MEMBERS = "members";
  private static final String STD = "std";

  private final RewardFlow flow;
  private final EnsembleCatalog catalog;
  private final int maxItems;

  /**
   * @param maxItems the most items of one request
   */
  public KserveRewards(RewardFlow flow, EnsembleCatalog catalog, int maxItems) {
    this.flow = flow;
    this.catalog = catalog;
    this.maxItems = maxItems;
  }

  @Override
  public List<ModelState> states() {
    Map<String, String> flaws = catalog.flaws();
    return catalog.list(CallTenants.behalf()).stream()
        .map(Ensemble::id)
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
        model,
        version,
        selector -> new ServedEnsemble(catalog.resolve(selector, CallTenants.behalf())));
  }

  private final class ServedEnsemble implements ServedModel {
    private final Ensemble ensemble;

    ServedEnsemble(Ensemble ensemble) {
      this.ensemble = ensemble;
    }

    @Override
    public PinnedVersion id() {
      return ensemble.id();
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
              TensorSpec.of(REWARD, Datatype.FP32, 1),
              TensorSpec.of(MEMBERS, Datatype.FP32, ensemble.members().size()),
              TensorSpec.of(STD, Datatype.FP32, 1)),
          Map.of("quorum", Integer.toString(flow.quorum(ensemble, null))));
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      List<String> prompts = command.texts(PROMPT);
      List<String> completions = command.texts(COMPLETION);
      List<ScoreItem> items = new ArrayList<>(command.batchSize());
      for (int i = 0; i < command.batchSize(); i++) {
        items.add(
            new ScoreItem(
                "",
                "batch[" + i + "]",
                new Content.Text(prompts.get(i)),
                new Content.Text(completions.get(i))));
      }
      ScoreAnswer answer =
          flow.score(
              new ScoreCommand(
                  new OnBehalf(command.caller().tenant(), CallTenants.bound().isEmpty()),
                  command.caller().lane(),
                  VersionSelector.version(id().model(), id().version()),
                  AggregationChoice.unspecified(),
                  Truncation.KEEP_LAST, // KServe has no words for it: docs/kserve.md
                  false,
                  items),
              ContextPatience.ofCurrentCall());
      return new LastAnswer(
          tensors(answer, command.wants(MEMBERS)), InferenceTimes.of(answer.times()));
    }

    private List<Tensor> tensors(ScoreAnswer answer, boolean withMembers) {
      SortedMap<Integer, ItemFault> faults = new TreeMap<>();
      List<Float> rewards = new ArrayList<>();
      List<Float> spreads = new ArrayList<>();
      List<List<Float>> members = new ArrayList<>();
      for (int i = 0; i < answer.items().size(); i++) {
        ScoredItem item = answer.items().get(i);
        switch (item.reward()) {
          case Reward.Failed failed -> faults.put(i, failed.fault());
          case Reward.Value value -> {
            rewards.add((float) value.value());
            spreads.add((float) value.spread().orElseThrow());
            if (withMembers) {
              members.add(scores(item, i));
            }
          }
        }
      }
      if (!faults.isEmpty()) {
        throw ItemFailures.of(faults, answer.items().size());
      }
      List<Tensor> tensors = new ArrayList<>();
      tensors.add(Tensor.column(REWARD, new TensorValues.Floats(rewards)));
      if (withMembers) {
        tensors.add(Tensor.table(MEMBERS, members, ensemble.members().size()));
      }
      tensors.add(Tensor.column(STD, new TensorValues.Floats(spreads)));
      return tensors;
    }

    /** The normalised scores; a table has no place for the reason of one that is missing. */
    private List<Float> scores(ScoredItem item, int index) {
      List<Float> scores = new ArrayList<>();
      for (MemberJudgement member : item.members()) {
        scores.add((float) member.normalised().orElseThrow(() -> incomplete(index, scores.size())));
      }
      return scores;
    }

    private MeshException incomplete(int item, int member) {
      return new MeshException(
          Fault.DEPENDENCY_BROKEN,
          "batch[%d]: %s gave no score; the reward stands without it: ask for the outputs %s and %s"
              .formatted(item, ensemble.members().get(member).id().model(), REWARD, STD),
          Map.of("member", Integer.toString(member)));
    }
  }
}
