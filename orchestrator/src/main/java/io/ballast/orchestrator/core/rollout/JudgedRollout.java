package io.ballast.orchestrator.core.rollout;

import io.ballast.kit.call.PinnedVersion;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * What one iteration learns from.
 *
 * @param groups those that are viable
 * @param droppedCount completions that were asked for and are not among them
 * @param costModels who judged harm, each once
 * @param firstFailure why the first completion that has no reward has none; empty if all have one
 */
public record JudgedRollout(
    List<JudgedGroup> groups,
    int droppedCount,
    List<PinnedVersion> costModels,
    String firstFailure) {
  /** Before anything was judged. */
  public static final JudgedRollout NONE = new JudgedRollout(List.of(), 0, List.of());

  /** Copies the lists. */
  public JudgedRollout {
    groups = List.copyOf(groups);
    costModels = List.copyOf(costModels);
  }

  /** Of which every completion has a reward. */
  public JudgedRollout(List<JudgedGroup> groups, int droppedCount, List<PinnedVersion> costModels) {
    this(groups, droppedCount, costModels, "");
  }

  /** These and, after them, those of a later round. */
  public JudgedRollout and(JudgedRollout more) {
    return new JudgedRollout(
        Stream.concat(groups.stream(), more.groups.stream()).toList(),
        droppedCount + more.droppedCount,
        Stream.concat(costModels.stream(), more.costModels.stream()).distinct().toList(),
        firstFailure.isEmpty() ? more.firstFailure : firstFailure);
  }

  /** All completions of the policy, group after group. */
  public Stream<JudgedCompletion> completions() {
    return groups.stream().flatMap(group -> group.completions().stream());
  }

  /** The mean reward of those that have one; empty if none has. */
  public OptionalDouble meanReward() {
    return completions()
        .map(JudgedCompletion::reward)
        .flatMapToDouble(OptionalDouble::stream)
        .average();
  }

  /** How many are learned from without a reward. */
  public int unrewardedCount() {
    return (int) completions().filter(each -> each.reward().isEmpty()).count();
  }

  /** The mean spread of those that have one; empty if none has. */
  public OptionalDouble meanSpread() {
    return completions()
        .map(JudgedCompletion::spread)
        .flatMapToDouble(OptionalDouble::stream)
        .average();
  }

  /** How many completions there are. */
  public int size() {
    return groups.stream().mapToInt(group -> group.completions().size()).sum();
  }
}
