package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.Seeds;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A batch cut into minibatches, anew in each pass over it. A group stays whole: its completions
 * share the computation of their prompt, and a loss may compare them. One of which no token is
 * learned from is in none.
 *
 * @param batch of which at least one token is learned from
 * @param count minibatches of a pass, ≥ 1; as many as groups where those are fewer
 * @param seed of this batch
 */
record Minibatches(Batch batch, int count, long seed) {
  /**
   * Returns the minibatches of a pass: all groups, shuffled, in parts of which none has more than
   * one group more than another. A function of the seed and the pass.
   *
   * @param number of the pass, counts from 0
   */
  List<Batch> pass(int number) {
    List<Group> groups = new ArrayList<>();
    for (Group group : batch.groups()) {
      if (group.samples().stream().anyMatch(sample -> sample.maskedTokens() > 0)) {
        groups.add(group);
      }
    }
    Collections.shuffle(groups, new Random(Seeds.derive(seed, number)));
    int parts = Math.min(count, groups.size());
    List<Batch> minibatches = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      minibatches.add(
          new Batch(groups.subList(i * groups.size() / parts, (i + 1) * groups.size() / parts)));
    }
    return minibatches;
  }
}
