package io.ballast.kit.kserve.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.PinnedVersion;
import org.junit.jupiter.api.Test;

/** Counts are kept for the versions that are asked, not for all that ever were. */
class InferenceCountsTest {
  private final InferenceCounts counts = new InferenceCounts();

  private void ask(int iteration) {
    counts.failed(new PinnedVersion("rollout", "run-" + iteration, "ab12"), 5, 1);
  }

  private long failures(int iteration) {
    return counts
        .statistics(new InferenceCounts.Name("rollout", "run-" + iteration))
        .getInferenceStats()
        .getFail()
        .getCount();
  }

  @Test
  void versionsThatNobodyAsksAnyMoreAreForgotten() {
    ask(0);
    ask(1);
    for (int i = 2; i < InferenceCounts.MOST; i++) {
      ask(i);
    }
    ask(0);
    ask(InferenceCounts.MOST);

    assertThat(counts.names()).hasSize(InferenceCounts.MOST);
    assertThat(failures(0)).isEqualTo(2);
    assertThat(failures(1)).isZero();
    assertThat(failures(InferenceCounts.MOST)).isEqualTo(1);
  }
}
