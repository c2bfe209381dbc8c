package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.learner.BatchLoss;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.spec.PtxSpec;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.WeightedLikelihood;
import io.ballast.rl.objective.WeightedSum;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;

/**
 * What stands beside the loss of every update, so that the policy goes on to model texts that
 * nothing rewards:
 *
 * <pre>γ · mean over t ≥ 2 of −log π(xₜ | x₁, …, xₜ₋₁)</pre>
 *
 * <p>Each update takes the next texts; every pass over them shuffles anew. Which ones is a function
 * of the seed and of how many were taken before, so that a run that goes on after a crash takes the
 * same ones. Source: Ouyang et al. 2022, PPO-ptx, eq. 2, arXiv:2203.02155.
 *
 * @param coefficient γ, ≥ 0; 0: nothing stands there
 * @param perUpdate texts, ≥ 1
 * @param maxTokens of a text, the first ones, ≥ 2
 * @param texts at least one, unless γ is 0
 * @param seed the run's
 */
record TextTerm(double coefficient, int perUpdate, int maxTokens, List<String> texts, long seed) {
  /** Of a run that names no texts. */
  static final TextTerm NONE = new TextTerm(0, 1, 2, List.of(), 0);

  /** A path of seeds beside those of prompts, samples, gold, harm, evaluations, minibatches. */
  private static final int TEXTS = 6;

  /** Copies the list. */
  TextTerm {
    texts = List.copyOf(texts);
  }

  static TextTerm of(PtxSpec spec, List<String> texts, long seed) {
    return new TextTerm(spec.coefficient(), spec.textsPerUpdate(), spec.maxTokens(), texts, seed);
  }

  /** How many texts an update takes. */
  int taken() {
    return coefficient == 0 ? 0 : perUpdate;
  }

  /**
   * Adds the gradients of the term of an update to those that {@code trainee} has collected.
   *
   * @param before how many texts earlier updates took
   * @return the mean cross-entropy of a token, nats; empty without a term, or if no text has two
   *     tokens
   * @throws ModelException BROKEN if what the model says of a text is not finite; nothing stays
   *     collected
   */
  OptionalDouble add(Trainee trainee, long before) {
    if (coefficient == 0) {
      return OptionalDouble.empty();
    }
    List<TrainingGroup> groups = new ArrayList<>();
    List<Group> samples = new ArrayList<>();
    for (int index : draw(before)) {
      TokenIds tokens = tokens(trainee, texts.get(index));
      if (tokens.size() > 1) {
        TokenIds predicted = tokens.slice(1, tokens.size());
        groups.add(
            new TrainingGroup(tokens.slice(0, 1), List.of(TrainingCompletion.ofTokens(predicted))));
        samples.add(
            new Group(
                "",
                List.of(
                    Sample.rollout(io.ballast.rl.sample.TokenIds.of(predicted.toArray()))
                        .with(SampleRole.DEMONSTRATION))));
      }
    }
    if (groups.isEmpty()) {
      return OptionalDouble.empty();
    }
    BatchLoss loss =
        new BatchLoss(
            new WeightedSum(
                List.of(
                    new WeightedSum.Term(
                        coefficient, new WeightedLikelihood(Aggregation.tokenMean())))),
            new Batch(samples));
    try {
      var unused = trainee.forwardBackward(groups, loss);
    } catch (ModelException e) {
      throw new ModelException(e.reason(), "ptx: " + e.getMessage(), e);
    }
    return OptionalDouble.of(loss.value() / coefficient);
  }

  /** As the model reads it from its beginning; what is longer loses its end. */
  private TokenIds tokens(Trainee trainee, String text) {
    Tokenizer tokenizer = trainee.tokenizer();
    TokenIds tokens =
        tokenizer.beginning().concat(tokenizer.withoutBeginning(tokenizer.encode(text)));
    int most = Math.min(maxTokens, trainee.shape().contextTokens());
    return tokens.size() <= most ? tokens : tokens.slice(0, most);
  }

  /** The indices of the texts of an update before which {@code before} were taken. */
  List<Integer> draw(long before) {
    List<Integer> indices = new ArrayList<>();
    List<Integer> order = List.of();
    int pass = -1;
    for (long at = before; at < before + perUpdate; at++) {
      int of = Math.toIntExact(at / texts.size());
      if (of != pass) {
        pass = of;
        order = order(pass);
      }
      indices.add(order.get((int) (at % texts.size())));
    }
    return indices;
  }

  private List<Integer> order(int pass) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(Seeds.derive(seed, TEXTS, pass)));
    return order;
  }
}
