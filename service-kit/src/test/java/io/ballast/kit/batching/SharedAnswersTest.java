package io.ballast.kit.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Work is done once for all who ask for it, and no call depends on another one. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SharedAnswersTest {
  private static final String TENANT = "acme";
  private static final PinnedVersion ONE = new PinnedVersion("m", "1", "a".repeat(64));
  private static final PinnedVersion OTHER_WEIGHTS = new PinnedVersion("m", "1", "b".repeat(64));
  private static final List<Lane> LANES = List.of(Lane.values());
  private static final int ENTRY_BYTES = 100;

  private final HeldEngine engine = new HeldEngine();
  private final BatchingQueue<String, String, String> queue =
      new BatchingQueue<>(
          "m 1",
          engine,
          SharedAnswersTest::refused,
          new QueueLimits(4, Duration.ZERO, 8, 1),
          System::nanoTime);
  private final LaneQueues<String, String, String> queues = LaneQueues.shared(queue);
  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private SharedAnswers<String, String, String> answers = keeping(10 * ENTRY_BYTES);

  @AfterEach
  void end() {
    engine.release(100_000);
    callers.close();
    queues.close();
    assertThat(answers.underWayCount()).isZero();
  }

  @Test
  void theSameWorkOfTwoCallersIsDoneOnce() throws Exception {
    var held = hold();
    var one = asked(Lane.INTERACTIVE, "k", "a");
    awaitWaiting(1);
    var two = asked(Lane.INTERACTIVE, "k", "a", "b"); // one of the two is on its way
    awaitWaiting(2);
    engine.release(2);

    assertThat(results(one)).containsExactly("k:a");
    assertThat(results(two)).containsExactly("k:a", "k:b");
    assertThat(held.get()).isNotEmpty();
    assertThat(engine.keys()).containsExactly(List.of("held"), List.of("k"));
    assertThat(answers.counts().joins()).isEqualTo(1);
    assertThat(answers.counts().misses()).isEqualTo(3);
  }

  @Test
  void anItemTwiceInOneCallIsDoneOnceAndAnsweredTwice() throws Exception {
    var call = asked(Lane.INTERACTIVE, "k", "a", "b", "a");

    assertThat(engine.awaitBatch()).containsExactly(new BatchGroup<>("k", List.of("a", "b"), 2));
    engine.release(1);
    assertThat(results(call)).containsExactly("k:a", "k:b", "k:a");
    assertThat(answers.counts()).isEqualTo(new SharingCounts(0, 2, 1, 0, 2 * ENTRY_BYTES));
  }

  @Test
  void whatWasAnsweredIsKeptForItsWeightsOnly() throws Exception {
    engine.release(2);
    var first = first(asked(Lane.INTERACTIVE, "k", "a"));
    var again = first(asked(Lane.BATCH, "k", "a"));
    var other =
        first(
            callers.submit(
                () ->
                    answers.ask(
                        TENANT,
                        OTHER_WEIGHTS,
                        queues,
                        Map.of("k", List.of("a")),
                        Lane.INTERACTIVE,
                        CallPatience.endless())));

    assertThat(first.fromCache()).isFalse();
    assertThat(again).isEqualTo(Shared.kept("k:a"));
    assertThat(again.result()).isSameAs(first.result());
    assertThat(other.fromCache()).isFalse();
    assertThat(engine.keys()).hasSize(2);
    assertThat(answers.counts().hits()).isEqualTo(1);
  }

  @Test
  void whatOneTenantAskedIsDoneAgainForAnother() throws Exception {
    engine.release(2);
    assertThat(first(asked(Lane.INTERACTIVE, "k", "a")).fromCache()).isFalse();
    var others = asked("other", Lane.INTERACTIVE, CallPatience.endless(), "k", "a");

    assertThat(first(others).fromCache()).isFalse();
    assertThat(engine.keys()).containsExactly(List.of("k"), List.of("k"));
    assertThat(first(asked("other", Lane.BATCH, CallPatience.endless(), "k", "a")).fromCache())
        .isTrue();
    assertThat(answers.counts()).isEqualTo(new SharingCounts(1, 2, 0, 0, 2 * ENTRY_BYTES));
  }

  @Test
  void noTenantWaitsForWorkOfAnother() throws Exception {
    var held = hold();
    var one = asked(Lane.INTERACTIVE, "k", "a");
    awaitWaiting(1);
    var others = asked("other", Lane.INTERACTIVE, CallPatience.endless(), "k", "a");
    awaitWaiting(2);
    engine.release(3);

    assertThat(results(one)).containsExactly("k:a");
    assertThat(results(others)).containsExactly("k:a");
    assertThat(held.get()).isNotEmpty();
    assertThat(answers.counts().joins()).isZero();
    assertThat(answers.counts().misses()).isEqualTo(3);
  }

  @Test
  void whoAsksForItAnewHasItDoneAsOftenAsHeAsks() throws Exception {
    engine.release(2);
    assertThat(results(asked(Lane.INTERACTIVE, "k", "a"))).hasSize(1);
    SharingCounts before = answers.counts();
    List<Shared<String>> anew =
        only(
            answers.askAnew(
                queues, Map.of("k", List.of("a", "a")), Lane.BATCH, CallPatience.endless()));

    assertThat(anew).extracting(Shared::result).containsExactly("k:a", "k:a");
    assertThat(anew).noneMatch(Shared::fromCache);
    assertThat(engine.keys()).hasSize(2);
    assertThat(answers.counts()).isEqualTo(before);
  }

  @Test
  void aFailureIsNeverKept() throws Exception {
    engine.release(2);

    assertThat(results(asked(Lane.INTERACTIVE, "k", "bad")))
        .containsExactly("MODEL_ERROR: m 1 failed: it is bad");
    assertThat(first(asked(Lane.INTERACTIVE, "k", "bad")).fromCache()).isFalse();
    assertThat(engine.keys()).hasSize(2);
    assertThat(answers.counts().bytes()).isZero();
  }

  @Test
  void whoAskedFirstMayLeaveAndTheOthersAreAnswered() throws Exception {
    var held = hold();
    Leaving leader = Leaving.whenTold();
    var first = asked(Lane.INTERACTIVE, leader, "k", "a");
    awaitWaiting(1);
    var second = asked(Lane.INTERACTIVE, "k", "a");
    awaitJoins(1);
    leader.leave();

    assertThat(results(first)).containsExactly("CANCELLED: the caller left");
    assertThat(queue.waitingWeight()).isEqualTo(1);
    engine.release(2);
    assertThat(results(second)).containsExactly("k:a");
    assertThat(held.get()).isNotEmpty();
  }

  @Test
  void eachWaitsAsLongAsItsOwnDeadlineAllows() throws Exception {
    var held = hold();
    var patient = asked(Lane.INTERACTIVE, "k", "a");
    awaitWaiting(1);
    var hurried = asked(Lane.INTERACTIVE, Leaving.after(Duration.ofMillis(20)), "k", "a");

    assertThat(results(hurried)).containsExactly("DEADLINE: no answer after 20 ms");
    var late = asked(Lane.INTERACTIVE, Leaving.after(Duration.ofMillis(1)), "k", "b");
    assertThat(results(late)).containsExactly("DEADLINE: no answer after 1 ms");
    var afterwards = asked(Lane.INTERACTIVE, "k", "b"); // what nobody waited for begins anew
    awaitWaiting(2);
    engine.release(2);
    assertThat(results(patient)).containsExactly("k:a");
    assertThat(results(afterwards)).containsExactly("k:b");
    assertThat(held.get()).isNotEmpty();
    assertThat(engine.keys()).hasSize(2);
  }

  @Test
  void whatNobodyWaitsForLeavesTheQueueWithTheLastCaller() throws Exception {
    var held = hold();
    Leaving one = Leaving.whenTold();
    Leaving two = Leaving.whenTold();
    var first = asked(Lane.INTERACTIVE, one, "gone", "a", "b");
    awaitWaiting(2);
    var second = asked(Lane.TRAINER, two, "gone", "b");
    awaitJoins(1);
    one.leave();
    assertThat(results(first)).hasSize(2);
    assertThat(queue.waitingWeight()).isEqualTo(2);

    two.leave();

    assertThat(results(second)).containsExactly("CANCELLED: the caller left");
    awaitWaiting(0);
    engine.release(2);
    assertThat(held.get()).isNotEmpty();
    assertThat(results(asked(Lane.INTERACTIVE, "k", "a"))).containsExactly("k:a");
    assertThat(engine.keys()).containsExactly(List.of("held"), List.of("k"));
  }

  @Test
  void theEngineHearsWhenTheLastOfThoseWhoSharedHasLeft() throws Exception {
    Leaving one = Leaving.whenTold();
    Leaving two = Leaving.whenTold();
    var first = asked(Lane.INTERACTIVE, one, "k", "a");
    var unused = engine.awaitBatch();
    var second = asked(Lane.INTERACTIVE, two, "k", "a");
    awaitJoins(1);

    one.leave();
    assertThat(results(first)).hasSize(1);
    assertThat(engine.callers().cancelled()).isFalse();
    two.leave();
    assertThat(results(second)).hasSize(1);
    assertThat(engine.callers().cancelled()).isTrue();
  }

  @Test
  void aPersonDoesNotWaitForABatchJobsTurn() throws Exception {
    var held = hold();
    var batch = asked(Lane.BATCH, "slow", "a");
    var trainer = asked(Lane.TRAINER, "between", "a", "b", "c", "d");
    awaitWaiting(5);
    var person = asked(Lane.INTERACTIVE, "slow", "a");
    awaitWaiting(6);
    engine.release(2); // the batch under way and the next

    assertThat(results(person)).containsExactly("slow:a");
    assertThat(batch.isDone()).isFalse();
    engine.release(2);
    assertThat(results(batch)).containsExactly("slow:a");
    assertThat(results(trainer)).hasSize(4);
    assertThat(held.get()).isNotEmpty();
    assertThat(answers.counts().joins()).isZero();
  }

  @Test
  void aFullQueueRefusesOneCallAndLeavesTheOthers() throws Exception {
    var held = hold();
    var first = asked(Lane.INTERACTIVE, "k", "1", "2", "3", "4", "5", "6", "7");
    awaitWaiting(7);
    var tooMuch = asked(Lane.INTERACTIVE, "k", "7", "8", "9"); // 7 is on its way, 2 have no room
    var joined = asked(Lane.INTERACTIVE, "k", "7");

    assertFault(tooMuch, Fault.OVERLOADED);
    engine.release(10);
    assertThat(results(joined)).containsExactly("k:7");
    assertThat(results(first)).hasSize(7);
    assertThat(held.get()).isNotEmpty();
  }

  @Test
  void anEngineThatIsAwayFailsAllWhoWaitForIt() throws Exception {
    var held = hold();
    var one = asked(Lane.INTERACTIVE, "k", "away");
    awaitWaiting(1);
    var two = asked(Lane.INTERACTIVE, "k", "away");
    awaitJoins(1);
    engine.release(2);

    assertFault(one, Fault.DEPENDENCY_DOWN);
    assertFault(two, Fault.DEPENDENCY_DOWN);
    assertThat(held.get()).isNotEmpty();
  }

  @Test
  void whatIsKeptIsBoundedInBytesAndTheRestIsGivenUp() throws Exception {
    engine.release(1_000);
    for (int i = 0; i < 30; i++) {
      assertThat(results(asked(Lane.INTERACTIVE, "k", Integer.toString(i)))).hasSize(1);
      assertThat(answers.counts().bytes()).isLessThanOrEqualTo(10 * ENTRY_BYTES);
    }

    assertThat(answers.counts().bytes()).isEqualTo(10 * ENTRY_BYTES);
    assertThat(answers.counts().evictions()).isEqualTo(20);
  }

  @Test
  void nothingIsKeptIfNothingMayBe() throws Exception {
    answers = keeping(0);
    engine.release(2);

    assertThat(results(asked(Lane.INTERACTIVE, "k", "a"))).containsExactly("k:a");
    assertThat(first(asked(Lane.INTERACTIVE, "k", "a")).fromCache()).isFalse();
    assertThat(answers.counts()).isEqualTo(new SharingCounts(0, 2, 0, 0, 0));
  }

  @Test
  void manyCallersWhoComeAndGoGetTheirOwnAnswersAndLeaveNothingBehind() throws Exception {
    engine.release(100_000);
    List<Future<?>> all = new ArrayList<>();
    for (int caller = 0; caller < 16; caller++) {
      int seed = caller;
      all.add(callers.submit(() -> comeAndGo(new SplittableRandom(seed))));
    }
    for (Future<?> one : all) {
      one.get();
    }

    awaitWaiting(0);
    SharingCounts counts = answers.counts();
    assertThat(counts.hits()).isPositive();
    assertThat(counts.misses()).isPositive();
  }

  private void comeAndGo(SplittableRandom random) {
    for (int call = 0; call < 300; call++) {
      String key = "k" + random.nextInt(2);
      List<String> items = random.ints(2, 0, 20).mapToObj(Integer::toString).toList();
      Leaving patience = Leaving.whenTold();
      if (random.nextInt(4) == 0) {
        callers.execute(patience::leave);
      }
      try {
        List<Shared<String>> shared =
            only(
                answers.ask(
                    TENANT,
                    ONE,
                    queues,
                    Map.of(key, items),
                    LANES.get(random.nextInt(3)),
                    patience));
        for (int i = 0; i < 2; i++) {
          assertThat(shared.get(i).result())
              .isIn(key + ":" + items.get(i), "CANCELLED: the caller left");
        }
      } catch (MeshException e) {
        assertThat(e.fault()).isEqualTo(Fault.OVERLOADED);
      }
    }
  }

  /** Keeps the worker busy until a permit is released. */
  private Future<Map<String, List<Shared<String>>>> hold() throws InterruptedException {
    var held = asked(Lane.INTERACTIVE, "held", "1");
    var unused = engine.awaitBatch();
    return held;
  }

  private Future<Map<String, List<Shared<String>>>> asked(Lane lane, String key, String... items) {
    return asked(lane, CallPatience.endless(), key, items);
  }

  private Future<Map<String, List<Shared<String>>>> asked(
      Lane lane, CallPatience patience, String key, String... items) {
    return asked(TENANT, lane, patience, key, items);
  }

  private Future<Map<String, List<Shared<String>>>> asked(
      String tenant, Lane lane, CallPatience patience, String key, String... items) {
    return callers.submit(
        () -> answers.ask(tenant, ONE, queues, Map.of(key, List.of(items)), lane, patience));
  }

  private static List<String> results(Future<Map<String, List<Shared<String>>>> call)
      throws ExecutionException, InterruptedException {
    return only(call.get()).stream().map(Shared::result).toList();
  }

  private static Shared<String> first(Future<Map<String, List<Shared<String>>>> call)
      throws ExecutionException, InterruptedException {
    return only(call.get()).getFirst();
  }

  /** The answers under the only key. */
  private static List<Shared<String>> only(Map<String, List<Shared<String>>> answers) {
    return answers.values().iterator().next();
  }

  private static void assertFault(Future<?> call, Fault fault) {
    assertThatThrownBy(call::get)
        .cause()
        .isInstanceOfSatisfying(MeshException.class, e -> assertThat(e.fault()).isEqualTo(fault));
  }

  private void awaitWaiting(int weight) {
    while (queue.waitingWeight() != weight) {
      Thread.onSpinWait();
    }
  }

  private void awaitJoins(int count) {
    while (answers.counts().joins() != count) {
      Thread.onSpinWait();
    }
  }

  private static SharedAnswers<String, String, String> keeping(long bytes) {
    return new SharedAnswers<>(
        new BatchedAnswers(Duration.ofSeconds(30), Duration.ZERO, System::nanoTime),
        new Shareable<>() {
          @Override
          public int weight(String key, List<String> items) {
            return items.size();
          }

          @Override
          public boolean lasting(String result) {
            return result.matches("\\w+:\\w+");
          }

          @Override
          public int bytes(String key, String item, String result) {
            return ENTRY_BYTES;
          }

          @Override
          public String refused(ItemFault fault) {
            return SharedAnswersTest.refused(fault);
          }
        },
        bytes);
  }

  private static String refused(ItemFault fault) {
    return fault.reason() + ": " + fault.message();
  }
}
