package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.learner.BatchLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.Need;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Takes the optimiser's updates of one iteration: each on all that is learned from, or on one
 * minibatch of it. Advantages, returns, and what the policy and its critic said before the first
 * update stay as they are until the last. In the first iterations the critic may learn alone.
 */
final class UpdateSteps {
  /** A path of seeds beside those of prompts, samples, gold, measured harm and evaluations. */
  private static final int MINIBATCHES = 5;

  private final Trainee trainee;
  private final RunSpec spec;
  private final Recipe recipe;
  private final int iteration;
  private final List<JudgedGroup> judged;
  private final List<TokenIds> prompts;
  private final int maxTokensPerPass;
  private final boolean criticAlone;
  private final Objective objective;
  private final TextTerm texts;
  private long textsTaken;

  /**
   * @param recipe as the state before makes it
   * @param judged by their indexes, the groups' ids
   * @param texts beside the loss of every update of the policy
   */
  UpdateSteps(
      Trainee trainee,
      RunSpec spec,
      Recipe recipe,
      int iteration,
      List<JudgedGroup> judged,
      int maxTokensPerPass,
      TextTerm texts) {
    this.trainee = trainee;
    this.spec = spec;
    this.recipe = recipe;
    this.iteration = iteration;
    this.judged = judged;
    this.prompts = judged.stream().map(JudgedGroup::promptTokens).toList();
    this.maxTokensPerPass = maxTokensPerPass;
    this.criticAlone = recipe.warmsUp(iteration);
    this.texts = criticAlone ? TextTerm.NONE : texts;
    this.objective = criticAlone ? recipe.criticObjective() : recipe.objective();
  }

  /**
   * An update that was taken.
   *
   * @param loss complete
   * @param scores what the policy said in it, before it
   * @param textLoss mean cross-entropy of a token of the texts beside it, nats, if there are any
   * @param gradientNorm before clipping
   * @param learningRate that it was taken with
   */
  record Update(
      BatchLoss loss,
      List<GroupScores> scores,
      OptionalDouble textLoss,
      double gradientNorm,
      double learningRate) {
    /** What there is to see beside the loss. */
    Map<String, Double> metrics() {
      Map<String, Double> metrics = new HashMap<>(loss.metrics());
      textLoss.ifPresent(nats -> metrics.put("ptx_loss", nats));
      return metrics;
    }
  }

  /**
   * Updates that were not taken.
   *
   * @param words which and why; empty if all were taken
   * @param suspects whose samples may be to blame
   */
  record LeftOut(String words, List<JudgedGroup> suspects) {
    static final LeftOut NONE = new LeftOut("", List.of());
  }

  /** What became of the updates. */
  sealed interface Outcome {
    /**
     * At least the first one was taken.
     *
     * @param seen all that was learned from, with what the policy said of it before
     * @param textsTaken by all updates up to the last of these
     */
    record Taken(Update first, Batch seen, long textsTaken, LeftOut leftOut) implements Outcome {}

    /**
     * The first one was not finite: the weights are as they were.
     *
     * @param of what it would have been on
     */
    record Refused(NotFinite.Diagnosis why, Passes of) implements Outcome {}
  }

  /**
   * Takes them.
   *
   * @param prepared all that is learned from
   * @param textsBefore how many texts earlier updates took
   * @throws ModelException what the model fails by, unless its numbers in an update are to blame
   */
  Outcome take(Batch prepared, long textsBefore) {
    textsTaken = textsBefore;
    return spec.minibatches() == 1 ? onAll(prepared) : onMinibatches(prepared);
  }

  /** The first update's own pass says what the policy says: its ratio is exactly 1. */
  private Outcome onAll(Batch prepared) {
    Passes passes = passes(prepared.map(sample -> sample.without(PerTokenName.BEHAVIOUR_LOG_PROB)));
    Passes complete = complete(passes);
    Update first;
    try {
      first = update(complete);
    } catch (ArithmeticException | IllegalArgumentException | ModelException e) {
      return new Outcome.Refused(diagnosis(complete, ofNumbers(e)), complete);
    }
    Passes said = passes.said(first.scores(), critic());
    LeftOut leftOut = later(Collections.nCopies(spec.updatesPerIteration() - 1, said));
    return new Outcome.Taken(first, said.batch(), textsTaken, leftOut);
  }

  /** After the first one the policy is another: all is read before it. */
  private Outcome onMinibatches(Batch prepared) {
    Batch said = said(prepared);
    Minibatches minibatches =
        new Minibatches(
            said, spec.minibatches(), Seeds.derive(spec.seed(), MINIBATCHES, iteration));
    List<Passes> updates = new ArrayList<>();
    for (int pass = 0; pass < spec.updatesPerIteration() / spec.minibatches(); pass++) {
      minibatches.pass(pass).forEach(each -> updates.add(passes(each)));
    }
    Passes complete = complete(updates.getFirst());
    Update first;
    try {
      first = update(complete);
    } catch (ArithmeticException | IllegalArgumentException | ModelException e) {
      return new Outcome.Refused(diagnosis(complete, ofNumbers(e)), passes(said));
    }
    LeftOut leftOut = later(updates.subList(1, updates.size()));
    return new Outcome.Taken(first, said, textsTaken, leftOut);
  }

  private Batch said(Batch prepared) {
    if (prepared.samples().stream()
        .allMatch(sample -> sample.perToken().has(PerTokenName.BEHAVIOUR_LOG_PROB))) {
      return prepared;
    }
    Passes passes = passes(prepared);
    Iterator<Sample> said =
        passes
            .said(trainee.scores(passes.groups(), WhichWeights.CURRENT), critic())
            .batch()
            .samples()
            .iterator();
    return prepared.map(_ -> said.next());
  }

  /** Takes the updates after the first, until one is not finite. */
  private LeftOut later(List<Passes> updates) {
    for (int i = 0; i < updates.size(); i++) {
      Passes passes = updates.get(i);
      try {
        passes = complete(passes);
        var unused = update(passes);
      } catch (ArithmeticException | IllegalArgumentException | ModelException e) {
        NotFinite.Diagnosis diagnosis = diagnosis(passes, ofNumbers(e));
        return new LeftOut(
            "updates %d to %d were left out: %s"
                .formatted(i + 2, updates.size() + 1, diagnosis.words()),
            diagnosis.suspects(judged));
      }
    }
    return LeftOut.NONE;
  }

  private Update update(Passes passes) {
    BatchLoss loss = new BatchLoss(objective, passes.batch());
    double rate = rate();
    List<GroupScores> scores = trainee.forwardBackward(passes.groups(), loss);
    OptionalDouble textLoss = texts.add(trainee, textsTaken);
    double norm = criticAlone ? trainee.stepCritic(rate) : trainee.step(rate);
    textsTaken += texts.taken();
    return new Update(loss, scores, textLoss, norm, rate);
  }

  /** The schedule is of the policy's updates; a critic that learns alone takes the peak. */
  double rate() {
    return criticAlone
        ? spec.learningRate().peak()
        : spec.learningRate().rate(trainee.updatesCount() + 1);
  }

  /** What is to blame on numbers; a model that fails otherwise is none of an update's business. */
  private static RuntimeException ofNumbers(RuntimeException failure) {
    if (failure instanceof ModelException model && model.reason() != ModelException.Reason.BROKEN) {
      throw model;
    }
    return failure;
  }

  private NotFinite.Diagnosis diagnosis(Passes passes, RuntimeException failure) {
    return NotFinite.diagnosis(trainee, objective, passes, failure, judged);
  }

  private Passes passes(Batch batch) {
    return recipe.loss().kind().facts().needs().contains(Need.PAIRS)
        ? Passes.whole(batch, prompts)
        : Passes.split(batch, prompts, maxTokensPerPass);
  }

  /** With what a loss of ratings measures of all of them, under the weights as they are. */
  private Passes complete(Passes passes) {
    return recipe.loss().kind().facts().needs().contains(Need.RATINGS)
        ? new Passes(PreferenceBaseline.with(trainee, passes, prompts), passes.groups())
        : passes;
  }

  private boolean critic() {
    return recipe.advantage().critic();
  }
}
