package io.ballast.rl.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A sample carries named numbers, cannot be altered, and names what is wrong with it. */
class SampleTest {
  private static final Sample SAMPLE = Sample.rollout(TokenIds.of(5, 7, 9));

  @Test
  void numbersAreCopiedInAndOut() {
    double[] mine = {-1, -2, -3};
    Sample sample = SAMPLE.with(PerTokenName.CURRENT_LOG_PROB, mine);
    mine[0] = 99;
    sample.numbers(PerTokenName.CURRENT_LOG_PROB).toArray()[1] = 99;
    assertThat(sample.numbers(PerTokenName.CURRENT_LOG_PROB)).isEqualTo(Numbers.of(-1, -2, -3));
    assertThat(SAMPLE.perToken().names()).as("the first is unchanged").isEmpty();
  }

  @Test
  void masksSelectTokens() {
    Sample sample =
        SAMPLE
            .with(PerTokenName.LOSS_MASK, 0, 1, 1)
            .with(PerTokenName.CURRENT_LOG_PROB, -1, -2, -3);
    assertThat(sample.maskedSum(PerTokenName.CURRENT_LOG_PROB)).isEqualTo(-5);
    assertThat(sample.maskedTokens()).isEqualTo(2);
    assertThat(SAMPLE.maskedTokens()).isEqualTo(3);
  }

  @Test
  void equalNumbersMakeEqualSamples() {
    assertThat(SAMPLE.withAll(PerTokenName.VALUE, 1).with(PerSequenceName.REWARD, 2))
        .isEqualTo(
            Sample.rollout(TokenIds.of(5, 7, 9))
                .with(PerSequenceName.REWARD, 2)
                .with(PerTokenName.VALUE, 1, 1, 1));
  }

  @Test
  void whatIsWrongIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SAMPLE.with(PerTokenName.BEHAVIOUR_LOG_PROB, -1, Double.NaN, -1))
        .withMessage("BEHAVIOUR_LOG_PROB[1]: NaN (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SAMPLE.with(PerTokenName.VALUE, 1))
        .withMessage("VALUE: 1 elements (expected: 3)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SAMPLE.with(PerTokenName.LOSS_MASK, 0, 2, 1))
        .withMessage("LOSS_MASK[1]: 2.0 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SAMPLE.number(PerSequenceName.REWARD))
        .withMessage("REWARD: absent (present: [])");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SAMPLE.with(PerSequenceName.COST, Double.POSITIVE_INFINITY))
        .withMessage("COST: Infinity (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TokenIds.of(1, -2))
        .withMessage("tokens[1]: -2 (expected: >= 0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Group("p", List.of()))
        .withMessage("group 'p': no samples (expected: at least one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Batch(List.of()))
        .withMessage("batch: no groups (expected: at least one)");
  }

  @Test
  void aGroupsAdvantagesReachEveryToken() {
    Group group =
        new Group(
            "p",
            List.of(
                SAMPLE.with(PerSequenceName.REWARD, 1),
                SAMPLE.with(PerSequenceName.REWARD, 0).with(SampleRole.REJECTED)));
    assertThat(group.numbers(PerSequenceName.REWARD)).containsExactly(1, 0);
    Group judged = group.withAdvantages(new double[] {.5, -.5});
    assertThat(judged.samples().getLast().numbers(PerTokenName.ADVANTAGE))
        .isEqualTo(Numbers.repeated(-.5, 3));
    assertThat(judged.only(SampleRole.REJECTED)).isSameAs(judged.samples().getLast());
    assertThat(Batch.of(group, judged).samples()).hasSize(4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> group.withAdvantages(new double[] {1}))
        .withMessage("advantages: 1 elements (expected: 2)");
  }

  @Test
  void provenanceTravelsWithTheSample() {
    Provenance provenance = new Provenance("s1", "java-tiny/7", 3);
    assertThat(SAMPLE.with(provenance).provenance()).isEqualTo(provenance);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Provenance("s", "v", -1))
        .withMessage("iteration: -1 (expected: >= 0)");
  }
}
