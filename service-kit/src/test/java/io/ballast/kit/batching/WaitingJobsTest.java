package io.ballast.kit.batching;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.Lane;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Which of what waits makes a batch. */
class WaitingJobsTest {
  private final WaitingJobs<String, String, String> waiting = new WaitingJobs<>(100);
  private long sequence;

  @Test
  void theNextInTurnGoesWithThoseMostLikeIt() {
    add(Lane.TRAINER, 40, 10, 44, 90, 38, 11, 45, 9);

    assertThat(taken()).containsExactly(40, 38);
    assertThat(taken()).containsExactly(10, 11, 9);
    assertThat(taken()).containsExactly(44, 45);
    assertThat(taken()).containsExactly(90);
    assertThat(waiting.isEmpty()).isTrue();
    assertThat(waiting.weight()).isZero();
  }

  @Test
  void aBatchCountsAsItsHeaviestTimesTheirNumber() {
    add(Lane.TRAINER, 10, 50, 10, 10);

    // 3 × 10 leave room for no 50: 4 × 50 would be 200
    assertThat(taken()).containsExactly(10, 10, 10);
    assertThat(taken()).containsExactly(50);
  }

  @Test
  void oneThatIsLargerThanABatchHidesNothingBehindIt() {
    add(Lane.TRAINER, 10, 5_000, 10, 10);

    assertThat(taken()).containsExactly(10, 10, 10);
    assertThat(taken()).containsExactly(5_000);
  }

  @Test
  void whatStandsFarBehindIsNotLookedAt() {
    add(Lane.TRAINER, 20);
    for (int i = 0; i < 8; i++) {
      add(Lane.TRAINER, 100);
    }
    add(Lane.TRAINER, 20);

    assertThat(taken()).containsExactly(20);
    assertThat(taken()).containsExactly(100);
  }

  @Test
  void aBatchOfManySmallOnesIsFull() {
    WaitingJobs<String, String, String> wide = new WaitingJobs<>(3_000);
    for (int i = 0; i < 2_000; i++) {
      wide.add(job("key " + i, Lane.BATCH, 3));
    }

    assertThat(wide.take()).hasSize(1_000);
  }

  @Test
  void whatSharesItsKeyGoesFirst() {
    waiting.add(job("a", Lane.TRAINER, 30));
    waiting.add(job("b", Lane.TRAINER, 30));
    waiting.add(job("a", Lane.TRAINER, 20));
    waiting.add(job("c", Lane.TRAINER, 31));

    assertThat(waiting.take()).extracting(job -> job.group().key()).containsExactly("a", "b", "a");
  }

  @Test
  void itsOwnLaneGoesBeforeWhatIsMoreLikeItOfAnother() {
    add(Lane.BATCH, 30, 30, 30);
    add(Lane.TRAINER, 30, 20, 25);

    assertThat(taken()).containsExactly(30, 20, 25);
    assertThat(taken()).containsExactly(30, 30, 30);
  }

  @Test
  void whoHasLeftTakesNoRoom() {
    add(Lane.TRAINER, 50);
    QueuedJob<String, String, String> left = job("left", Lane.TRAINER, 50);
    waiting.add(left);
    add(Lane.TRAINER, 50);
    left.answer().cancel(false);

    assertThat(taken()).containsExactly(50, 50);
    waiting.removeAnswered();
    assertThat(waiting.weight()).isZero();
  }

  /** Whatever comes meanwhile, a job goes at the latest when all that stood before it has gone. */
  @Test
  void nothingIsPassedOverByMoreThanStoodBeforeIt() {
    SplittableRandom random = new SplittableRandom(7);
    Map<Long, Integer> allowed = new HashMap<>();
    int standing = 0;
    for (int batch = 0; batch < 2_000; batch++) {
      for (int i = random.nextInt(8); i > 0 && standing < 200; i--) {
        standing++;
        allowed.put(sequence, standing);
        add(Lane.TRAINER, random.nextInt(1, 90));
      }
      if (waiting.isEmpty()) {
        continue;
      }
      List<QueuedJob<String, String, String>> taken = waiting.take();
      allowed.replaceAll((job, left) -> left - 1);
      for (QueuedJob<String, String, String> job : taken) {
        assertThat(allowed.remove(job.sequence())).isGreaterThanOrEqualTo(0);
      }
      standing -= taken.size();
      int heaviest = taken.stream().mapToInt(QueuedJob::weight).max().orElseThrow();
      assertThat(heaviest * taken.size()).isLessThanOrEqualTo(100);
    }
    assertThat(sequence).isGreaterThan(3_000);
  }

  private void add(Lane lane, int... weights) {
    for (int weight : weights) {
      waiting.add(job("key " + sequence, lane, weight));
    }
  }

  private QueuedJob<String, String, String> job(String key, Lane lane, int weight) {
    return new QueuedJob<>(
        new BatchGroup<>(key, List.of("item"), weight), lane, sequence++, 0, new Pending<>());
  }

  private List<Integer> taken() {
    return waiting.take().stream().map(QueuedJob::weight).toList();
  }
}
