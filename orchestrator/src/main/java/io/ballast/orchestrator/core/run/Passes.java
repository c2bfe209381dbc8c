package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.learner.BatchLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/**
 * A batch as the model is run on it: its groups, cut where a pass would take too many tokens, and
 * the same with their prompts. A group's id is the index of its prompt.
 *
 * @param batch what the loss reads
 * @param groups what the model reads, in the order of the batch's groups
 */
record Passes(Batch batch, List<TrainingGroup> groups) {
  /** Copies the list. */
  Passes {
    groups = List.copyOf(groups);
  }

  /** Groups as they are: pairs stay together. */
  static Passes whole(Batch batch, List<TokenIds> prompts) {
    return new Passes(batch, batch.groups().stream().map(each -> training(each, prompts)).toList());
  }

  /**
   * Groups in parts of at most {@code maxTokens} tokens, prompt included, or of one completion: the
   * memory of a pass is bounded. Every mean of a loss is over all parts.
   */
  static Passes split(Batch batch, List<TokenIds> prompts, int maxTokens) {
    List<Group> parts = new ArrayList<>();
    for (Group group : batch.groups()) {
      int promptTokens = prompts.get(Integer.parseInt(group.groupId())).size();
      List<Sample> part = new ArrayList<>();
      int tokens = promptTokens;
      for (Sample sample : group.samples()) {
        if (!part.isEmpty() && tokens + sample.size() > maxTokens) {
          parts.add(new Group(group.groupId(), part));
          part = new ArrayList<>();
          tokens = promptTokens;
        }
        tokens += sample.size();
        part.add(sample);
      }
      parts.add(new Group(group.groupId(), part));
    }
    return whole(new Batch(parts), prompts);
  }

  private static TrainingGroup training(Group group, List<TokenIds> prompts) {
    return new TrainingGroup(
        prompts.get(Integer.parseInt(group.groupId())),
        group.samples().stream()
            .map(sample -> TrainingCompletion.ofTokens(TokenIds.of(sample.tokens().toArray())))
            .toList());
  }

  /** Returns one of these alone. */
  Passes only(int index) {
    return new Passes(Batch.of(batch.groups().get(index)), List.of(groups.get(index)));
  }

  /** Returns these with the log-probabilities of {@code scores} under {@code name}. */
  Passes with(PerTokenName name, List<GroupScores> scores) {
    return with(name, scores, GroupScores::logProbs);
  }

  /** Returns these with what {@code numbers} takes of {@code scores} under {@code name}. */
  Passes with(
      PerTokenName name, List<GroupScores> scores, Function<GroupScores, List<PerToken>> numbers) {
    Iterator<PerToken> next =
        scores.stream().flatMap(group -> numbers.apply(group).stream()).iterator();
    return new Passes(
        batch.map(sample -> sample.with(name, BatchLoss.doubles(next.next()))), groups);
  }

  /**
   * Returns these with what the policy says of them before it is updated.
   *
   * @param critic whether it has a critic, whose values are said too
   */
  Passes said(List<GroupScores> policy, boolean critic) {
    Passes said =
        with(PerTokenName.BEHAVIOUR_LOG_PROB, policy)
            .with(PerTokenName.ENTROPY, policy, GroupScores::entropies);
    return critic ? said.with(PerTokenName.BEHAVIOUR_VALUE, policy, GroupScores::values) : said;
  }
}
