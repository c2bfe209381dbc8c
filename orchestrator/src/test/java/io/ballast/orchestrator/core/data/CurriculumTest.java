package io.ballast.orchestrator.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** How hard a row may be at most. */
class CurriculumTest {
  @Test
  void theLimitRisesByEqualStepsFromTheFirstIterationOn() {
    // 1 + (5 − 1)·(i − 1)/4: 1, 2, 3, 4, and from iteration 5 on 5
    Curriculum curriculum = new Curriculum("level", 1, 5, 4);

    assertThat(IntStream.rangeClosed(1, 7).mapToDouble(curriculum::limit).toArray())
        .containsExactly(new double[] {1, 2, 3, 4, 5, 5, 5}, within(1e-12));
  }

  @Test
  void theLastLimitIsWhatTheSpecSaysToTheBit() {
    // 0.1 + (0.7 − 0.1) is not 0.7 in binary
    assertThat(new Curriculum("level", 0.1, 0.7, 3).limit(4)).isEqualTo(0.7);
  }

  @Test
  void withOneIterationOnTheWayTheSecondHasAll() {
    Curriculum curriculum = new Curriculum("level", -2, 3, 1);

    assertThat(curriculum.limit(1)).isEqualTo(-2);
    assertThat(curriculum.limit(2)).isEqualTo(3);
  }
}
