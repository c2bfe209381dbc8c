package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A decoder in training and, if there is one, a critic with a trunk of its own: they say what they
 * know of completions together, learn together, step together and are kept in one file. Without
 * such a critic everything is the decoder's, a critic on its trunk included.
 *
 * <p>Both are closed with it. One thread at a time.
 */
public final class PolicyAndCritic implements AutoCloseable {
  private final TrainableDecoder policy;
  private final @Nullable TrainableCritic critic;
  private final double criticRate;

  /**
   * @param policy without a critic on its trunk, if {@code critic} is given
   * @param critic null: there is none with a trunk of its own
   * @param criticRate of its steps, by that of the policy's, &gt; 0
   * @throws IllegalArgumentException if there would be two critics
   */
  public PolicyAndCritic(
      TrainableDecoder policy, @Nullable TrainableCritic critic, double criticRate) {
    if (critic != null && policy.trained().criticSize() > 0) {
      throw new IllegalArgumentException(
          "critic: beside one on the policy's trunk (expected: one of them)");
    }
    this.policy = policy;
    this.critic = critic;
    this.criticRate = criticRate;
  }

  /** As {@link TrainableDecoder#scores}, with the critic's values. */
  public List<GroupScores> scores(List<CompletionGroup> groups) {
    TrainableCritic own = critic;
    List<GroupScores> scores = policy.scores(groups);
    return own == null ? scores : valued(scores, own.values(groups));
  }

  /**
   * As {@link TrainableDecoder#forwardBackward}: derivatives by values reach the critic's own trunk
   * and nothing of the policy. What fails leaves nothing collected, in either.
   */
  public List<GroupScores> forwardBackward(
      List<CompletionGroup> groups, TokenGradientFunction gradients) {
    TrainableCritic own = critic;
    if (own == null) {
      return policy.forwardBackward(groups, gradients);
    }
    try {
      List<List<PerToken>> values = own.values(groups);
      Map<Integer, List<PerToken>> byValues = new HashMap<>(); // filled by one thread at a time
      List<GroupScores> scores =
          policy.forwardBackward(
              groups,
              (index, said) -> {
                TokenGradients given = gradients.gradients(index, valued(said, values.get(index)));
                byValues.put(index, given.byValues());
                return new TokenGradients(given.byLogProbs(), given.byEntropies());
              });
      own.backward(groups, byValues);
      return valued(scores, values);
    } catch (RuntimeException | Error e) {
      clear(own);
      throw e;
    }
  }

  /**
   * As {@link TrainableDecoder#forwardBackward}, of a loss without values in it: a critic with a
   * trunk of its own is not asked, and its values are none of the scores. What fails leaves nothing
   * collected, in either.
   */
  public List<GroupScores> forwardBackwardOfPolicy(
      List<CompletionGroup> groups, TokenGradientFunction gradients) {
    try {
      return policy.forwardBackward(groups, gradients);
    } catch (RuntimeException | Error e) {
      if (critic != null) {
        clear(critic);
      }
      throw e;
    }
  }

  /**
   * As {@link TrainableDecoder#optimizerStep}, and one of the critic's, each on its own gradient
   * and clipped by its own norm.
   *
   * @return the norm of the policy's gradient before clipping
   * @throws io.ballast.inference.api.ModelException BROKEN if a gradient is not finite: neither has
   *     changed
   */
  public double step(double learningRate) {
    TrainableCritic own = critic;
    if (own == null) {
      return policy.optimizerStep(learningRate);
    }
    try {
      own.requireFiniteGradient();
      double norm = policy.optimizerStep(learningRate);
      own.step(learningRate * criticRate);
      return norm;
    } catch (RuntimeException | Error e) {
      clear(own);
      throw e;
    }
  }

  /** As {@link TrainableDecoder#criticStep}. */
  public double criticStep(double learningRate) {
    TrainableCritic own = critic;
    if (own == null) {
      return policy.criticStep(learningRate);
    }
    policy.state().requireWhole();
    policy.clearGradients();
    return own.step(learningRate * criticRate);
  }

  private void clear(TrainableCritic own) {
    policy.clearGradients();
    own.clearGradients();
  }

  private static List<GroupScores> valued(List<GroupScores> scores, List<List<PerToken>> values) {
    List<GroupScores> valued = new ArrayList<>();
    for (int i = 0; i < scores.size(); i++) {
      valued.add(valued(scores.get(i), values.get(i)));
    }
    return List.copyOf(valued);
  }

  private static GroupScores valued(GroupScores said, List<PerToken> values) {
    return new GroupScores(said.logProbs(), said.entropies(), values, said.alternatives());
  }

  /** As {@link TrainableDecoder#saveCheckpoint}, of both. */
  public void saveCheckpoint(Path file, Map<String, String> notes) throws IOException {
    policy.state().save(file, notes, critic == null ? null : critic.state());
  }

  /** As {@link TrainableDecoder#restoreCheckpoint}, of both. */
  public Map<String, String> restoreCheckpoint(Path file) {
    return policy.state().restore(file, critic == null ? null : critic.state());
  }

  @Override
  public void close() {
    if (critic != null) {
      critic.close();
    }
    policy.close();
  }
}
