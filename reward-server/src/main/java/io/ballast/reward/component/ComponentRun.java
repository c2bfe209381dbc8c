package io.ballast.reward.component;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.reward.component.BatchComponent.Judged;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.ComponentScore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The components of one composite at work on one request, side by side. What is not there when the
 * time is over has failed with a reason; what still runs then is told to end.
 */
final class ComponentRun {
  private static final Logger LOG = LoggerFactory.getLogger(ComponentRun.class);

  private final List<Part> parts;
  private final List<Candidate> candidates;
  private final EndablePatience patience;
  private final Judging judging;
  private final LongSupplier nanoTime;
  private final List<Work> works = new ArrayList<>();
  private final CompletableFuture<@Nullable Void> over = new CompletableFuture<>();
  private final long start;

  /**
   * @param reserve what of the caller's time is needed to answer
   */
  ComponentRun(
      Judging request, List<Candidate> candidates, Duration reserve, LongSupplier nanoTime) {
    this.parts = request.recipe().parts();
    this.candidates = candidates;
    this.patience = new EndablePatience(request.patience(), reserve);
    this.judging = new Judging(request.command(), request.recipe(), patience, request.tools());
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
    parts.forEach(part -> works.add(new Work(part, candidates.size())));
  }

  /** What one component has said so far. */
  private static final class Work {
    private final Part part;
    private final AtomicReferenceArray<@Nullable Timed> said;
    private final AtomicInteger left;
    private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    private volatile @Nullable MeshException refusal;

    Work(Part part, int items) {
      this.part = part;
      this.said = new AtomicReferenceArray<>(items);
      this.left = new AtomicInteger(items);
    }

    void say(int item, Timed timed) {
      said.set(item, timed);
      if (left.decrementAndGet() == 0) {
        done.complete(null);
      }
    }
  }

  private record Timed(Judged judged, Duration time) {}

  /**
   * Runs them and waits.
   *
   * @param timeout how long at most, if the caller waits longer
   * @return for each candidate what each component said, in the composite's order
   * @throws MeshException if a component can judge no item of the request
   */
  List<List<ComponentScore>> run(Executor executor, Duration timeout) {
    patience.onCancel(() -> over.complete(null));
    try {
      works.forEach(work -> begin(work, executor));
      await(patience.remaining().filter(left -> left.compareTo(timeout) < 0).orElse(timeout));
    } finally {
      patience.end();
    }
    for (Work work : works) {
      MeshException refusal = work.refusal;
      if (refusal != null) {
        throw named(work.part.name(), refusal);
      }
    }
    ItemFault late =
        callerLeft
            ? new ItemFault(ItemFault.Reason.CANCELLED, "the caller left")
            : new ItemFault(
                ItemFault.Reason.DEADLINE,
                "no answer after %,d ms".formatted(since(start).toMillis()));
    List<List<ComponentScore>> scores = new ArrayList<>();
    for (int i = 0; i < candidates.size(); i++) {
      List<ComponentScore> ofItem = new ArrayList<>();
      for (Work work : works) {
        ofItem.add(score(work.part, work.said.get(i), late));
      }
      scores.add(ofItem);
    }
    return scores;
  }

  private boolean callerLeft;

  private void await(Duration limit) {
    CompletableFuture<Void> all =
        CompletableFuture.allOf(
            works.stream().map(work -> work.done).toArray(CompletableFuture[]::new));
    try {
      var unused =
          CompletableFuture.anyOf(all, over)
              .get(Math.max(0, limit.toNanos()), TimeUnit.NANOSECONDS);
      callerLeft = patience.cancelled();
    } catch (TimeoutException e) {
      callerLeft = false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("nothing completes so", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      callerLeft = true;
    }
  }

  private void begin(Work work, Executor executor) {
    switch (work.part.component()) {
      case BatchComponent batch -> executor.execute(() -> judgeAll(work, batch));
      case ItemComponent each -> {
        if (each.waits()) {
          for (int i = 0; i < candidates.size(); i++) {
            int item = i;
            executor.execute(() -> judge(work, each, item));
          }
        } else {
          executor.execute(() -> judgeInTurn(work, each));
        }
      }
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // virtual threads share the machine's cores by courtesy
  private void judgeInTurn(Work work, ItemComponent component) {
    for (int i = 0; i < candidates.size() && !patience.cancelled(); i++) {
      judge(work, component, i);
      Thread.yield(); // a thread that computes on and on would keep other calls' from running
    }
  }

  private void judge(Work work, ItemComponent component, int item) {
    if (patience.cancelled()) {
      return;
    }
    long began = nanoTime.getAsLong();
    ComponentOutcome outcome;
    try {
      outcome = component.judge(candidates.get(item), judging);
    } catch (CannotJudge e) {
      outcome = new ComponentOutcome.Failed(e.fault());
    } catch (MeshException e) {
      refuse(work, e);
      return;
    } catch (Throwable e) { // whoever waits must hear of everything, of errors too
      outcome = broken(work, e);
    }
    work.say(item, new Timed(Judged.of(outcome), since(began)));
  }

  private void judgeAll(Work work, BatchComponent component) {
    long began = nanoTime.getAsLong();
    List<Judged> judged;
    try {
      judged = component.judge(candidates, judging);
      if (judged.size() != candidates.size()) {
        throw new IllegalStateException(
            "%d answers (expected: %d)".formatted(judged.size(), candidates.size()));
      }
    } catch (MeshException e) {
      refuse(work, e);
      return;
    } catch (Throwable e) {
      Judged failed = Judged.of(broken(work, e));
      judged = candidates.stream().map(each -> failed).toList();
    }
    Duration time = since(began);
    for (int i = 0; i < judged.size(); i++) {
      work.say(i, new Timed(judged.get(i), time));
    }
  }

  private void refuse(Work work, MeshException why) {
    work.refusal = why;
    over.complete(null);
  }

  private static ComponentOutcome broken(Work work, Throwable thrown) {
    LOG.error("component {} ({})", work.part.name(), work.part.kind().word(), Wordless.of(thrown));
    return new ComponentOutcome.Failed(
        new ItemFault(ItemFault.Reason.MODEL_ERROR, "it broke; the server's log says more"));
  }

  private static ComponentScore score(Part part, @Nullable Timed said, ItemFault late) {
    if (said == null) {
      return new ComponentScore(
          part.name(),
          part.weight(),
          new ComponentOutcome.Failed(late),
          Duration.ZERO,
          Optional.empty());
    }
    ComponentOutcome outcome =
        said.judged().outcome() instanceof ComponentOutcome.Value value
                && !Double.isFinite(value.value())
            ? new ComponentOutcome.Failed(
                new ItemFault(
                    ItemFault.Reason.MODEL_ERROR,
                    "value %s (expected: finite)".formatted(value.value())))
            : said.judged().outcome();
    return new ComponentScore(
        part.name(), part.weight(), outcome, said.time(), said.judged().voices());
  }

  private static MeshException named(String component, MeshException e) {
    MeshException named =
        new MeshException(
            e.fault(), "component '%s': %s".formatted(component, e.getMessage()), e.metadata());
    named.initCause(e);
    return named;
  }

  private Duration since(long began) {
    return Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - began));
  }
}
