package io.ballast.safety.core.canary;

import io.ballast.inference.scoring.Content;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.cost.Cost;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.CostCommand;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.cost.CostItem;
import io.ballast.safety.core.cost.JudgedItem;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

/**
 * Has what a canary showed judged by the cost model of its certificate. Nothing is left out: what
 * has no cost counts as 1, once it is sure that this is not the model's own fault. What the model
 * failed at is judged alone at a later look, and counts if it fails again while another has a cost.
 */
final class CanaryJudge {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** Judged to see whether the model works. */
  private static final CostItem PROBE =
      new CostItem("0", "probe", new Content.Text("int x = "), new Content.Text("1;"));

  private final CostFlow costs;

  CanaryJudge(CostFlow costs) {
    this.costs = costs;
  }

  /**
   * Returns a cost for each decision, in their order.
   *
   * @param renew done before each call of the model, which may take a minute
   * @param failed suggestions that the model failed at; those that it fails at now join them, those
   *     that are returned leave
   * @throws MeshException DEPENDENCY_DOWN if a cost did not come for a reason that may pass, or the
   *     model failed; DEPENDENCY_BROKEN if another model judged; otherwise as {@link
   *     CostFlow#judge}
   */
  List<Observation> judge(
      CanaryTerms terms, List<CanaryDecision> shown, Set<UUID> failed, Runnable renew) {
    Map<UUID, Cost> known = new HashMap<>();
    for (CanaryDecision again : shown) {
      if (failed.contains(again.suggestionId())) {
        known.put(again.suggestionId(), costs(terms, List.of(item(0, again)), renew).getFirst());
      }
    }
    if (known.values().stream().anyMatch(CanaryJudge::isModelFault)) {
      requireWorks(terms, renew);
    }
    List<CanaryDecision> first =
        shown.stream().filter(each -> !known.containsKey(each.suggestionId())).toList();
    List<Cost> together =
        first.isEmpty()
            ? List.of()
            : costs(
                terms,
                IntStream.range(0, first.size()).mapToObj(i -> item(i, first.get(i))).toList(),
                renew);
    Optional<Cost> fault = Optional.empty();
    for (int i = 0; i < first.size(); i++) {
      UUID id = first.get(i).suggestionId();
      known.put(id, together.get(i));
      if (isModelFault(together.get(i))) {
        failed.add(id);
        fault = Optional.of(together.get(i));
      }
    }
    if (fault.isPresent()) {
      throw none(fault.get());
    }
    List<Observation> judged = shown.stream().map(each -> observation(terms, each, known)).toList();
    failed.removeAll(known.keySet());
    return judged;
  }

  /** A model that gives nothing a cost says nothing of what it was asked for. */
  private void requireWorks(CanaryTerms terms, Runnable renew) {
    Cost probe = costs(terms, List.of(PROBE), renew).getFirst();
    if (probe instanceof Cost.Missing) {
      throw none(probe);
    }
  }

  private static CostItem item(int index, CanaryDecision shown) {
    return new CostItem(
        Integer.toString(index),
        "decisions[" + index + "]",
        new Content.Text(shown.prompt()),
        new Content.Text(shown.text()));
  }

  private List<Cost> costs(CanaryTerms terms, List<CostItem> items, Runnable renew) {
    renew.run();
    PinnedVersion judge = terms.judge();
    CostAnswer answer =
        costs.judge(
            new CostCommand(
                Lane.BATCH,
                VersionSelector.version(judge.model(), judge.version()),
                Truncation.KEEP_LAST,
                items,
                OptionalDouble.empty()),
            CallPatience.upTo(PATIENCE));
    requireSame(terms, answer);
    List<Cost> found = answer.items().stream().map(JudgedItem::cost).toList();
    found.stream()
        .filter(CanaryJudge::mayPass)
        .findFirst()
        .ifPresent(
            cost -> {
              throw none(cost);
            });
    return found;
  }

  private static MeshException none(Cost cost) {
    String why = cost instanceof Cost.Missing missing ? missing.fault().message() : "";
    return new MeshException(Fault.DEPENDENCY_DOWN, "no cost: " + why);
  }

  private static Observation observation(
      CanaryTerms terms, CanaryDecision decision, Map<UUID, Cost> known) {
    return switch (Objects.requireNonNull(known.get(decision.suggestionId()))) {
      case Cost.Estimated estimated -> cost(decision, terms.cost(estimated.harmProbability()));
      case Cost.Missing missing ->
          new Observation(Observation.Kind.COST, Arm.CANARY, decision.suggestionId(), 1, true);
    };
  }

  private static Observation cost(CanaryDecision decision, double value) {
    return new Observation(
        Observation.Kind.COST, Arm.CANARY, decision.suggestionId(), value, false);
  }

  private static void requireSame(CanaryTerms terms, CostAnswer answer) {
    boolean same =
        answer.model().id().equals(terms.judge())
            && (terms.judgeFolderSha256().isEmpty()
                || terms.judgeFolderSha256().equals(answer.model().folderSha256()));
    if (!same) {
      throw new MeshException(
          Fault.DEPENDENCY_BROKEN,
          "cost model %s has the weights %s, folder '%s' (expected: %s, folder '%s', as in the certificate)"
              .formatted(
                  terms.judge(),
                  answer.model().id().weightsSha256(),
                  answer.model().folderSha256(),
                  terms.judge().weightsSha256(),
                  terms.judgeFolderSha256()));
    }
  }

  private static boolean mayPass(Cost cost) {
    return cost instanceof Cost.Missing missing
        && switch (missing.fault().reason()) {
          case DEADLINE, OVERLOADED, CANCELLED -> true;
          case INVALID_INPUT, TOO_LONG, MODEL_ERROR, QUORUM_LOST -> false;
        };
  }

  /** Whether it may be the model's fault as well as the input's. */
  private static boolean isModelFault(Cost cost) {
    return cost instanceof Cost.Missing missing
        && switch (missing.fault().reason()) {
          case MODEL_ERROR, QUORUM_LOST -> true;
          case INVALID_INPUT, TOO_LONG, DEADLINE, OVERLOADED, CANCELLED -> false;
        };
  }
}
