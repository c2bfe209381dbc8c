package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every pass sees every group once, in another order, and a function of the seed alone. */
class MinibatchesTest {
  private static Batch groups(int count) {
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      groups.add(new Group(Integer.toString(i), List.of(sample(), sample())));
    }
    return new Batch(groups);
  }

  private static Sample sample() {
    return Sample.rollout(TokenIds.of(new int[] {1, 2}));
  }

  private static List<String> ids(Batch batch) {
    return batch.groups().stream().map(Group::groupId).toList();
  }

  private static List<String> order(Minibatches minibatches, int pass) {
    return minibatches.pass(pass).stream().flatMap(each -> ids(each).stream()).toList();
  }

  @Test
  void aPassHasEveryGroupWholeAndPartsOfAlmostOneSize() {
    Batch all = groups(10);
    List<Batch> pass = new Minibatches(all, 4, 7).pass(0);

    assertThat(pass).extracting(each -> each.groups().size()).containsExactly(2, 3, 2, 3);
    assertThat(pass.stream().flatMap(each -> each.groups().stream()).toList())
        .containsExactlyInAnyOrderElementsOf(all.groups());
  }

  @Test
  void theOrderIsOfSeedAndPassAlone() {
    Minibatches minibatches = new Minibatches(groups(12), 3, 7);

    assertThat(order(new Minibatches(groups(12), 3, 7), 0)).isEqualTo(order(minibatches, 0));
    assertThat(order(minibatches, 1)).isNotEqualTo(order(minibatches, 0));
    assertThat(order(new Minibatches(groups(12), 3, 8), 0)).isNotEqualTo(order(minibatches, 0));
  }

  @Test
  void whatIsMaskedWholeIsInNoneAndNoMinibatchIsEmpty() {
    Group masked =
        new Group("masked", List.of(sample().withAll(PerTokenName.LOSS_MASK, 0), sample()));
    Group dead = new Group("dead", List.of(sample().withAll(PerTokenName.LOSS_MASK, 0)));
    Batch batch =
        new Batch(Stream.concat(groups(2).groups().stream(), Stream.of(masked, dead)).toList());

    List<Batch> pass = new Minibatches(batch, 8, 7).pass(0);

    assertThat(pass).hasSize(3).allSatisfy(each -> assertThat(each.groups()).hasSize(1));
    assertThat(pass.stream().flatMap(each -> ids(each).stream()))
        .containsExactlyInAnyOrder("0", "1", "masked");
  }
}
