package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.LeastSpec.LEAST;
import static io.ballast.orchestrator.core.spec.LeastSpec.read;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.core.learner.CriticSettings;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.rollout.GroupStrategy;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.KlTarget;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.RewardKl;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a spec says of learning: by which recipe, what is trained, and what stands beside it. */
class LearningSpecTest {
  @Test
  void anAlgorithmIsAPublishedRecipeThatCanBeChangedBesideItsName() {
    RunSpec dapo = read(LEAST + "algorithm: DAPO\nobjective: {clip_high: 0.3}");
    RunSpec ppo =
        read(
            LEAST
                + """
                algorithm: PPO
                advantage: {kind: GAE, trace_decay: 0.9}
                shaping: [HISTORY]
                kl: {coefficient: 0.2}
                objective: {updates_per_iteration: 2, aggregation: CONSTANT_DIVISOR}
                learning_rate: 1e-3
                schedule: {kind: LINEAR, warmup_updates: 10, final_fraction: 0.5}
                """);

    assertThat(dapo.method()).isEqualTo(ConstraintMethod.FIXED_PENALTY);
    assertThat(dapo.recipe())
        .isEqualTo(Algorithm.DAPO.recipe(12).withLoss(loss -> loss.with(Knob.CLIP_HIGH, 0.3)));
    assertThat(
            read(LEAST + "algorithm: DAPO\nobjective: {clip_low: 0.1}")
                .recipe()
                .loss()
                .knobs()
                .get(Knob.CLIP_HIGH))
        .as("it clips higher still")
        .isEqualTo(0.28);
    assertThat(read(LEAST + "algorithm: DAPO\nselector: {max_rounds: 3}").recipe().maxRounds())
        .isEqualTo(3);
    assertThat(read(LEAST + "algorithm: DAPO\nselector: ALL").recipe().maxRounds()).isEqualTo(1);
    assertThat(
            read(LEAST + "algorithm: GRPO\nselector: {kind: DYNAMIC_SAMPLING, max_rounds: 4}")
                .mostCompletions())
        .as("4 rounds of 32 prompts, 8 completions each")
        .isEqualTo(1_024);
    assertThat(ppo.recipe().rewardKl().coefficient()).isEqualTo(0.2);
    assertThat(ppo.recipe().knobs().get(Knob.TRACE_DECAY)).isEqualTo(0.9);
    assertThat(ppo.recipe().knobs().get(Knob.REWARD_CLIP)).isEqualTo(0.8);
    assertThat(ppo.recipe().loss().aggregation()).isEqualTo(Aggregation.constantDivisor(12));
    assertThat(ppo.learningRate().rate(5)).isEqualTo(5e-4);
    assertThat(ppo.learningRate().rate(40)).as("the last of 20 · 2").isEqualTo(5e-4);
    assertThat(read(LEAST + "algorithm: RLOO\nconstraint: {method: HC_RLHF}").returnKlCoefficient())
        .as("the KL is in the return of the constraint's method")
        .isEqualTo(0.03);
  }

  @Test
  void theKlMayBeEstimatedOtherwiseAndMovedToATarget() {
    assertThat(read(LEAST + "algorithm: RLOO\nkl: {estimator: K2, target: 4}").recipe())
        .isEqualTo(
            Algorithm.RLOO
                .recipe(12)
                .withRewardKl(new RewardKl(0.03, KlEstimator.K2))
                .withKlTarget(new KlTarget(4, 10_000)));
    assertThat(
            read(LEAST + "algorithm: GRPO\nkl: {coefficient: 0.2, target: 4, horizon: 500}")
                .recipe())
        .isEqualTo(
            Algorithm.GRPO
                .recipe(12)
                .withLoss(loss -> loss.withKl(0.2, KlEstimator.K3))
                .withKlTarget(new KlTarget(4, 500)));
  }

  @Test
  void whereTheReferenceWritesHalfThePolicysHalfIsTheGroup() {
    RunSpec xpo =
        read(
            LEAST
                + """
                algorithm: XPO
                rollout: {completions_per_prompt: 5}
                """);

    assertThat(xpo.policyCompletions()).isEqualTo(3);
    assertThat(xpo.rollout().groups()).isEqualTo(new GroupStrategy.MinViableGroup(3));
    assertThat(
            read(LEAST + "algorithm: XPO\nrollout: {completions_per_prompt: 2}").rollout().groups())
        .isEqualTo(new GroupStrategy.MinViableGroup(1));
    assertThat(read(LEAST + "algorithm: GRPO").policyCompletions()).isEqualTo(8);
  }

  @Test
  void optimizerAdaptersAndAverageAreWhatTheSpecSays() {
    RunSpec some =
        read(
            LEAST
                + """
                seed: 11
                learning_rate: 0.01
                optimizer: {beta1: 0.8, beta2: 0.99, epsilon: 1.0e-6, weight_decay: 0.1, max_gradient_norm: 0.5}
                adapters: {rank: 8, alpha: 16, projections: [Q_PROJ, v_proj]}
                average: {decay: 0.9}
                """);
    assertThat(some.trainee())
        .isEqualTo(
            new TraineeSpec(
                new OptimizerSettings(0.01, 0.8, 0.99, 1e-6, 0.1, 0.5),
                new AdapterSettings(8, 16, Set.of(Projection.Q_PROJ, Projection.V_PROJ), 11),
                0.9));
    assertThat(some.traineeOptions().adapters()).contains(some.trainee().adapters());
    assertThat(some.traineeOptions().averageDecay()).hasValue(0.9);
    assertThat(some.traineeOptions().optimizer()).isEqualTo(some.trainee().optimizer());
    assertThat(read(LEAST + "adapters: {rank: 4}").trainee())
        .as("all projections, scaled by 1")
        .isEqualTo(
            new TraineeSpec(
                OptimizerSettings.ofRate(1.5e-4),
                new AdapterSettings(4, 4, EnumSet.allOf(Projection.class), 0),
                null));
    TraineeOptions plain = read(LEAST).traineeOptions();
    assertThat(plain).isEqualTo(TraineeOptions.of(OptimizerSettings.ofRate(1.5e-4)));
    assertThat(new SpecParser().learned(LEAST + "adapters: {rank: 4}").trainee())
        .as("a run that has learned trains nothing")
        .isEqualTo(TraineeSpec.weights(1.5e-4));
  }

  @Test
  void aCriticMayBeginAsARewardModel() {
    RunSpec least = read(LEAST + "algorithm: PPO\ncritic: {model: judge, version: 2}");
    RunSpec all =
        read(
            LEAST
                + "algorithm: PPO_MAX\nlearning_rate: 1e-3\n"
                + "critic: {model: judge, version: 2, label: 1, learning_rate: 3e-3}");

    assertThat(least.critic()).isEqualTo(new CriticSettings("judge", "2", 0, 1));
    assertThat(least.traineeOptions().critic()).as("none on the policy's trunk").isFalse();
    assertThat(least.traineeOptions().ownCritic()).contains(new CriticSettings("judge", "2", 0, 1));
    assertThat(all.critic()).isEqualTo(new CriticSettings("judge", "2", 1, 3e-3 / 1e-3));
    assertThat(read(LEAST + "algorithm: PPO").traineeOptions().critic()).isTrue();
    assertThat(new SpecParser().learned(LEAST + "critic: {model: a}").critic()).isNull();
  }

  @Test
  void ppoMaxBeginsWithItsCriticAloneAndTheScheduleIsOfWhatFollows() {
    RunSpec most = read(LEAST + "algorithm: PPO_MAX\nobjective: {updates_per_iteration: 2}");

    assertThat(most.recipe().criticWarmup()).isEqualTo(5);
    assertThat(most.learningRate().totalUpdates()).as("2 · (20 − 5)").isEqualTo(30);
    assertThat(read(LEAST + "algorithm: PPO").recipe().criticWarmup()).isZero();
    assertThat(
            read(LEAST + "algorithm: PPO\nadvantage: {critic_warmup: 3}").recipe().criticWarmup())
        .isEqualTo(3);
  }

  @Test
  void minibatchesAreAnUpdateEachInEveryPass() {
    RunSpec once = read(LEAST + "algorithm: PPO\nobjective: {minibatches: 4}");
    RunSpec twice =
        read(LEAST + "algorithm: PPO\nobjective: {minibatches: 4, updates_per_iteration: 8}");

    assertThat(once.minibatches()).isEqualTo(4);
    assertThat(once.updatesPerIteration()).as("one pass").isEqualTo(4);
    assertThat(once.learningRate().totalUpdates()).as("of 20 iterations").isEqualTo(80);
    assertThat(twice.updatesPerIteration()).as("two passes").isEqualTo(8);
  }

  @Test
  void textsStandBesideTheLoss() {
    PtxSpec least = read(LEAST + "ptx: {file: texts.jsonl, coefficient: 27.8}").ptx();
    PtxSpec all =
        read(LEAST
                + """
                    ptx:
                      file: texts.parquet
                      column: body
                      max_bad_rows: 7
                      coefficient: 0
                      texts_per_update: 32
                      max_tokens: 2
                    """)
            .ptx();

    assertThat(least)
        .isEqualTo(new PtxSpec(new PromptSource.InFile("texts.jsonl", "text"), 0, 27.8, 8, 128));
    assertThat(all)
        .isEqualTo(new PtxSpec(new PromptSource.InFile("texts.parquet", "body"), 7, 0, 32, 2));
    assertThat(new SpecParser().learned(LEAST + "ptx: {file: 1, coefficient: x}").ptx())
        .as("a run that has learned reads none")
        .isNull();
  }
}
