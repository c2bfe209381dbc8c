package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.watch.RunAlarm;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What changes of a run.
 *
 * @param state where it stands
 * @param pauseAsked whether it pauses at the next boundary
 * @param fence counts the workers that took it up: only the last one may write
 * @param iterationsDone durable iterations
 * @param latest the newest iteration; null before the first
 * @param earlyStopReason why it stopped learning early, or which limit its last iteration passed;
 *     empty otherwise
 * @param alarms of the watch over its rewards: the first of each kind
 * @param candidate null until there is one
 * @param candidateIteration the iteration after which the candidate's weights were as they are; 0
 *     until there is one
 * @param candidateReason why it is of these weights where evaluations chose; empty otherwise
 * @param testAttempts safety tests that told nothing, of all constraints
 * @param spentAttempts those of the constraint under test that have spent their part of δ
 * @param tests the safety tests, one for each constraint that it came to, in their order
 * @param nextTest what another safety test takes, of a run that failed by the last one
 * @param message why it stopped, for a person; empty while all is well
 * @param endedAt null until it has ended
 */
public record RunProgress(
    RunState state,
    boolean pauseAsked,
    long fence,
    int iterationsDone,
    @Nullable IterationMetrics latest,
    String earlyStopReason,
    List<RunAlarm> alarms,
    @Nullable PinnedVersion candidate,
    int candidateIteration,
    String candidateReason,
    int testAttempts,
    int spentAttempts,
    List<SafetyTestReport> tests,
    NextTest nextTest,
    String message,
    @Nullable Instant endedAt) {
  /** Copies the lists. */
  public RunProgress {
    alarms = List.copyOf(alarms);
    tests = List.copyOf(tests);
  }

  /** Of a run that nobody has taken up. */
  public static RunProgress queued() {
    return new RunProgress(
        RunState.QUEUED,
        false,
        0,
        0,
        null,
        "",
        List.of(),
        null,
        0,
        "",
        0,
        0,
        List.of(),
        NextTest.AS_PLANNED,
        "",
        null);
  }

  /** The last safety test; null until one has started. */
  public @Nullable SafetyTestReport test() {
    return tests.isEmpty() ? null : tests.getLast();
  }

  /** The safety test of {@code constraint}; null until one has started. */
  @Nullable SafetyTestReport test(String constraint) {
    return tests.stream()
        .filter(test -> test.constraint().equals(constraint))
        .findFirst()
        .orElse(null);
  }

  RunProgress in(RunState newState, String newMessage) {
    return changed(
        next -> {
          next.state = newState;
          next.pauseAsked = false;
          next.nextTest = NextTest.AS_PLANNED;
          next.message = newMessage;
          next.endedAt = null;
        });
  }

  RunProgress endedIn(RunState newState, String newMessage, Instant now) {
    return in(newState, newMessage).changed(next -> next.endedAt = now);
  }

  RunProgress askedToPause(String newMessage) {
    return changed(
        next -> {
          next.pauseAsked = true;
          next.message = newMessage;
        });
  }

  RunProgress fenced(RunState newState, long newFence) {
    return changed(
        next -> {
          next.state = newState;
          next.fence = newFence;
          next.message = "";
          next.endedAt = null;
        });
  }

  RunProgress stopped(String reason) {
    return changed(next -> next.earlyStopReason = reason);
  }

  RunProgress iterated(IterationMetrics metrics, String stopReason) {
    return changed(
        next -> {
          next.iterationsDone = metrics.iteration();
          next.latest = metrics;
          next.earlyStopReason = stopReason;
          next.alarms = withFirst(metrics.watch().alarms());
        });
  }

  private List<RunAlarm> withFirst(List<RunAlarm> raised) {
    List<RunAlarm> all = new ArrayList<>(alarms);
    for (RunAlarm each : raised) {
      if (!each.isAmong(all)) {
        all.add(each);
      }
    }
    return all;
  }

  RunProgress withCandidate(PinnedVersion version, int iteration, String reason) {
    return changed(
        next -> {
          next.state = RunState.TESTING;
          next.candidate = version;
          next.candidateIteration = iteration;
          next.candidateReason = reason;
        });
  }

  /** With these tests; where the last one passed, another constraint is under test next. */
  RunProgress withTests(List<SafetyTestReport> reports) {
    boolean passed = reports.getLast().state() == SafetyTestReport.State.PASSED;
    return changed(
        next -> {
          next.tests = reports;
          next.spentAttempts = passed ? 0 : spentAttempts;
        });
  }

  RunProgress withAttempt(boolean spent) {
    return changed(
        next -> {
          next.testAttempts = testAttempts + 1;
          next.spentAttempts = spentAttempts + (spent ? 1 : 0);
        });
  }

  RunProgress failedTest(NextTest newNext, String newMessage) {
    return in(RunState.FAILED, newMessage).changed(next -> next.nextTest = newNext);
  }

  private RunProgress changed(Consumer<Fields> change) {
    Fields fields = new Fields(this);
    change.accept(fields);
    return fields.progress();
  }

  /** All of it, to be changed. */
  private static final class Fields {
    private RunState state;
    private boolean pauseAsked;
    private long fence;
    private int iterationsDone;
    private @Nullable IterationMetrics latest;
    private String earlyStopReason;
    private List<RunAlarm> alarms;
    private @Nullable PinnedVersion candidate;
    private int candidateIteration;
    private String candidateReason;
    private int testAttempts;
    private int spentAttempts;
    private List<SafetyTestReport> tests;
    private NextTest nextTest;
    private String message;
    private @Nullable Instant endedAt;

    private Fields(RunProgress from) {
      state = from.state;
      pauseAsked = from.pauseAsked;
      fence = from.fence;
      iterationsDone = from.iterationsDone;
      latest = from.latest;
      earlyStopReason = from.earlyStopReason;
      alarms = from.alarms;
      candidate = from.candidate;
      candidateIteration = from.candidateIteration;
      candidateReason = from.candidateReason;
      testAttempts = from.testAttempts;
      spentAttempts = from.spentAttempts;
      tests = from.tests;
      nextTest = from.nextTest;
      message = from.message;
      endedAt = from.endedAt;
    }

    private RunProgress progress() {
      return new RunProgress(
          state,
          pauseAsked,
          fence,
          iterationsDone,
          latest,
          earlyStopReason,
          alarms,
          candidate,
          candidateIteration,
          candidateReason,
          testAttempts,
          spentAttempts,
          tests,
          nextTest,
          message,
          endedAt);
    }
  }
}
