package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * Computes the micro-batches of a batch on several threads at a time, one thread a lane. Each lane
 * has gradients of its own, which are added up in the order of the lanes, and the caller's loss is
 * asked in the order of the micro-batches: so the same batch on as many lanes gives the same bits,
 * whichever thread is the quicker. All lanes together compute no more tokens at a time than two
 * micro-batches have. One caller at a time.
 */
final class TrainingLanes implements AutoCloseable {
  /** Of a lane; a guess: with fewer, smaller products may lose more than another thread gains. */
  private static final int LEAST_TOKENS = 512;

  /** Of all lanes together, padding included, where groups are longer than a micro-batch's part. */
  private static final int MOST_TOGETHER = 2 * GroupComputation.TOKEN_BUDGET;

  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final Trained trained;
  private final int most;
  private final GroupComputation first;
  private final List<Lane> others = new ArrayList<>();
  private final Lanes threads;

  /**
   * Starts with one lane, whose gradients are those of {@code trained}; others are made when a
   * batch is large enough for them.
   *
   * @param trained the weights themselves, or adapters on them
   * @param most lanes, ≥ 1
   */
  TrainingLanes(TrainedWeights weights, RotaryTable rotary, Trained trained, int most) {
    this.weights = weights;
    this.rotary = rotary;
    this.trained = trained;
    this.most = most;
    this.first = new GroupComputation(weights, rotary, trained);
    this.threads = new Lanes("training-lane", most);
  }

  /** What another thread computes with. */
  private record Lane(Trained trained, GroupComputation computation) {}

  /** Returns the scores of {@code groups}, in their order; no gradients. */
  List<GroupScores> scores(List<CompletionGroup> groups) {
    first.requireFits(groups);
    Plan plan = plan(groups, most);
    List<@Nullable GroupScores> scores = GroupComputation.nulls(groups.size());
    threads.run(
        plan.lanes(),
        lane -> {
          for (int b = lane; b < plan.batches().size(); b += plan.lanes()) {
            FreedMemory.ofProcess().learning();
            first.scores(plan.batches().get(b), groups, scores);
          }
        },
        () -> {});
    return GroupComputation.complete(scores);
  }

  /**
   * Adds the gradients of a loss to those that the numbers in training hold.
   *
   * @param gradients called once for each group, by one thread at a time
   * @return the scores of {@code groups}, in their order
   * @throws IllegalArgumentException if a gradient given is not finite or of another shape, named
   * @throws io.ballast.inference.api.ModelException BROKEN if a score is not finite
   */
  List<GroupScores> forwardBackward(List<CompletionGroup> groups, TokenGradientFunction gradients) {
    first.requireFits(groups);
    Plan plan = plan(groups, most);
    List<List<Integer>> batches = plan.batches();
    int lanes = plan.lanes();
    List<@Nullable GroupScores> scores = GroupComputation.nulls(groups.size());
    while (others.size() < lanes - 1) {
      others.add(lane());
    }
    Turns turns = new Turns();
    try {
      threads.run(
          lanes,
          lane -> {
            for (int b = lane; b < batches.size(); b += lanes) {
              FreedMemory.ofProcess().learning();
              turns.take(b, batches.get(b), groups, gradients, scores, computation(lane));
            }
          },
          turns::abandon);
      try (PointerScope scope = new PointerScope()) {
        others.subList(0, lanes - 1).forEach(lane -> trained.addGradients(lane.trained()));
      }
    } finally {
      others.subList(0, lanes - 1).forEach(lane -> lane.trained().clearGradients());
    }
    return GroupComputation.complete(scores);
  }

  private Lane lane() {
    if (trained == weights) {
      TrainedWeights own = weights.beside();
      return new Lane(own, new GroupComputation(own, rotary, own));
    }
    Trained own = trained.beside();
    return new Lane(own, new GroupComputation(weights, rotary, own));
  }

  private GroupComputation computation(int lane) {
    return lane == 0 ? first : others.get(lane - 1).computation();
  }

  /**
   * Who computes what.
   *
   * @param batches the micro-batches, as indices of groups
   * @param lanes each takes the micro-batch that many after its last; ≥ 1
   */
  record Plan(List<List<Integer>> batches, int lanes) {}

  /**
   * Sorts groups into micro-batches. Lanes are as many as have enough to compute and together hold
   * no more than {@link #MOST_TOGETHER}: a group longer than a lane's share of that has lanes stand
   * still.
   *
   * @param most lanes
   */
  static Plan plan(List<CompletionGroup> groups, int most) {
    long tokens = groups.stream().mapToLong(PackedGroups::rowLength).sum();
    long longest = Math.max(1, groups.stream().mapToInt(PackedGroups::rowLength).max().orElse(1));
    int lanes = (int) Math.clamp(Math.min(tokens / LEAST_TOKENS, MOST_TOGETHER / longest), 1, most);
    long share = Math.ceilDiv(groups.size(), lanes) * longest;
    List<List<Integer>> batches =
        PackedGroups.batches(groups, (int) Math.min(share, GroupComputation.TOKEN_BUDGET / lanes));
    return new Plan(batches, Math.clamp(batches.size(), 1, lanes));
  }

  @Override
  public void close() {
    threads.close();
    others.forEach(lane -> lane.trained().close());
    others.clear();
  }

  /** Another lane has failed: what this one does is for nothing. */
  private static final class Abandoned extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Has the loss asked in the order of the micro-batches, whatever order they are computed in. */
  private static final class Turns {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private int next;
    private boolean abandoned;

    /** Computes a micro-batch; the others may go on as soon as its loss was asked. */
    void take(
        int turn,
        List<Integer> batch,
        List<CompletionGroup> groups,
        TokenGradientFunction gradients,
        List<@Nullable GroupScores> scores,
        GroupComputation computation) {
      computation.forwardBackward(
          batch,
          groups,
          (index, said) -> {
            await(turn);
            TokenGradients given = gradients.gradients(index, said);
            if (index == batch.getLast()) {
              pass(turn);
            }
            return given;
          },
          scores);
      await(turn); // where it has no token, nobody was asked
      pass(turn);
    }

    private void await(int turn) {
      lock.lock();
      try {
        while (next < turn && !abandoned) {
          moved.awaitUninterruptibly();
        }
        if (abandoned) {
          throw new Abandoned();
        }
      } finally {
        lock.unlock();
      }
    }

    private void pass(int turn) {
      lock.lock();
      try {
        next = Math.max(next, turn + 1);
        moved.signalAll();
      } finally {
        lock.unlock();
      }
    }

    void abandon() {
      lock.lock();
      try {
        abandoned = true;
        moved.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }
}
