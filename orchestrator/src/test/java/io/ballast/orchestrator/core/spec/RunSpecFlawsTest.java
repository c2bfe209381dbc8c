package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.LeastSpec.LEAST;
import static io.ballast.orchestrator.core.spec.LeastSpec.read;
import static io.ballast.orchestrator.core.spec.LeastSpec.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A spec is refused by the path of its first flaw. */
class RunSpecFlawsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rollout: {temperatur: 1} | rollout.temperatur: unknown key (did you mean 'temperature'?",
        "itterations: 3 | itterations: unknown key (did you mean 'iterations'?",
        "iterations: 0 | iterations: 0 (expected: a whole number, 1 to 100,000)",
        "iterations: 1.5 | iterations: 1.5 (expected: a whole number, 1 to 100,000)",
        "iterations: [1] | iterations: a list (expected: a whole number, 1 to 100,000)",
        "budget: {token: 5} | budget.token: unknown key (did you mean 'tokens'?",
        "budget: {tokens: 0} | budget.tokens: 0 (expected: a whole number, 1 to 10^15)",
        "budget: {tokens: 1.5} | budget.tokens: 1.5 (expected: a whole number, 1 to 10^15)",
        "budget: {time: 2h} | budget.time: 2h (expected: a duration such as PT2H30M, above 0, at most 10 years)",
        "budget: {time: PT0S} | budget.time: PT0S (expected: a duration such as PT2H30M",
        "budget: {money: 5} | budget.money: without a price (expected: price.per_hour beside it, in the same unit)",
        "budget: {money: 0, price: {per_hour: 1}} | budget.money: 0 (expected: > 0)",
        "budget: {price: {per_hour: -1}} | budget.price.per_hour: -1 (expected: > 0)",
        "budget: {price: {per_day: 1}} | budget.price.per_day: unknown key (did you mean 'per_hour'?",
        "evaluation: {every: 2} | evaluation.prompts: no source (expected: exactly one of inline, file)",
        "evaluation: {prompts: {feedback: {}}} | evaluation.prompts.feedback: unknown key",
        "evaluation: {prompts: {file: a}, every: 0} | evaluation.every: 0 (expected: a whole number, 1 to 100,000)",
        "evaluation: {prompts: {file: a}, completions: 65} | evaluation.completions: 65 (expected: a whole number, 1 to 64)",
        "evaluation: {prompts: {file: a}, confidence: 1} | evaluation.confidence: 1 (expected: above 0, below 1)",
        "evaluation: {prompts: {file: a}, model: b} | evaluation.model: unknown key",
        "early_stop: {patience: 2} | early_stop: without an evaluation (expected: evaluation beside it)",
        "'evaluation: {prompts: {file: a}}\nearly_stop: {patience: 0}' | early_stop.patience: 0 (expected: a whole number, 1 to 1,000)",
        "'evaluation: {prompts: {file: a}}\nearly_stop: {min_improvement: -1}' | early_stop.min_improvement: -1 (expected: ≥ 0)",
        "candidate: BEST | candidate: BEST without an evaluation (expected: LAST, or evaluation beside it)",
        "candidate: FIRST | candidate: FIRST (expected: one of LAST, BEST)",
        "seed: x | seed: x (expected: a whole number of 64 bits)",
        "seed: do it | seed: a text of 5 characters (expected: a whole number of 64 bits)",
        "learning_rate: do it | learning_rate: a text of 5 characters (expected: > 0 and ≤ 1)",
        "budget: {time: do it} | budget.time: a text of 5 characters (expected: a duration such as PT2H30M",
        "algorithm: do it | algorithm: a text of 5 characters (expected: one of REINFORCE, RLOO, GRPO,",
        "learning_rate: 0 | learning_rate: 0 (expected: > 0 and ≤ 1)",
        "learning_rate: .nan | learning_rate: NaN (expected: > 0 and ≤ 1)",
        "optimizer: {beta3: 0.9} | optimizer.beta3: unknown key (did you mean 'beta1'?",
        "optimizer: {beta1: 1} | optimizer.beta1: 1 (expected: ≥ 0 and < 1)",
        "optimizer: {beta2: -0.1} | optimizer.beta2: -0.1 (expected: ≥ 0 and < 1)",
        "optimizer: {epsilon: 0} | optimizer.epsilon: 0 (expected: ≥ 1e-30)",
        "optimizer: {weight_decay: -1} | optimizer.weight_decay: -1 (expected: ≥ 0, and times the learning rate below 1)",
        "'learning_rate: 0.5\noptimizer: {weight_decay: 2}' | optimizer.weight_decay: 2 (expected: ≥ 0, and times the learning rate below 1)",
        "optimizer: {max_gradient_norm: 0} | optimizer.max_gradient_norm: 0 (expected: > 0)",
        "adapters: {rang: 4} | adapters.rang: unknown key (did you mean 'rank'?",
        "adapters: {alpha: 4} | adapters.rank: absent (expected: a whole number, at least 1)",
        "adapters: {rank: 0} | adapters.rank: 0 (expected: a whole number, 1 to 65,536)",
        "adapters: {rank: 4, alpha: 0} | adapters.alpha: 0 (expected: > 0, at most 1,000,000)",
        "adapters: {rank: 2, alpha: 1e300} | adapters.alpha: 1.0E300 (expected: > 0, at most 1,000,000)",
        "adapters: {rank: 4, projections: []} | adapters.projections: none (expected: at least one, or absent for all)",
        "adapters: {rank: 4, projections: [Q]} | adapters.projections[0]: Q (expected: one of Q_PROJ, K_PROJ, V_PROJ, O_PROJ, GATE_PROJ, UP_PROJ, DOWN_PROJ)",
        "adapters: {rank: 4, projections: [Q_PROJ, q_proj]} | adapters.projections[1]: q_proj (expected: each once)",
        "'average: {decay: 0.5}\nevaluation: {prompts: {inline: [e]}}\ncandidate: BEST' | average: beside candidate BEST (expected: candidate LAST: what is evaluated are the weights, and not their average)",
        "average: {} | average.decay: absent (expected: > 0 and < 1; 0 would be the weights)",
        "average: {decay: 1} | average.decay: 1 (expected: > 0 and < 1; 0 would be the weights)",
        "average: {decay: 0.97} | average.decay: 0.97 (expected: less, or more updates than 20: the weights that the run begins with would be 0.54 of its candidate)",
        "policy: {version: 1, alias: serving} | policy.alias: beside a version",
        "policy: {model: ../up} | policy.model: '../up' (expected: 1 to 128 of [A-Za-z0-9._-]",
        "rollout: 3 | rollout: a number (expected: an object with keys)",
        "rollout: {completions_per_prompt: 1} | rollout.completions_per_prompt: 1 (expected: a whole number, 2 to 64)",
        "rollout: {min_group: 9} | rollout.min_group: 9 (expected: a whole number, 2 to 8)",
        "rollout: {group_strategy: NONE} | rollout.group_strategy: NONE (expected: one of MIN_VIABLE_GROUP, FAIL_FAST)",
        "rollout: {group_strategy: FAIL_FAST, min_group: 2} | rollout.min_group: beside FAIL_FAST",
        "'constraint: {method: PPO_LAGRANGIAN}\nrollout: {temperature: 0.5}' | rollout.temperature: 0.5 (expected: 1 with PPO_CLIP",
        "rollout: {stop_strings: ['']} | rollout.stop_strings: 1 texts (expected: at most 16, none empty)",
        "reward: {aggregation: BEST} | reward.aggregation: BEST (expected: one of MEAN, WORST_CASE, UNCERTAINTY_WEIGHTED, MEDIAN, LOWER_QUANTILE, UNCERTAINTY_WEIGHTED_SAMPLE, NONE)",
        "reward: {uwo_lambda: 1} | reward.uwo_lambda: beside WORST_CASE",
        "reward: {aggregation: NONE, quantile: 0.1} | reward.quantile: beside NONE",
        "reward: {aggregation: MEAN, quantile: 0.1} | reward.quantile: beside MEAN",
        "reward: {aggregation: LOWER_QUANTILE, quantile: 0.6} | reward.quantile: 0.6 (expected: above 0, at most 0.5)",
        "watch: {max_spread_growth: 0.5} | watch.max_spread_growth: 0.5 (expected: ≥ 1)",
        "watch: {patience: 0} | watch.patience: 0 (expected: a whole number, 1 to 1,000)",
        "watch: {action: PAGE} | watch.action: PAGE (expected: one of RECORD, STOP, REFUSE_PROMOTION)",
        "watch: {max_gap: 1} | watch.max_gap: without gold (expected: none: the gap is between the reward and gold)",
        "watch: {max_gap: -1, gold: {model: a, version: 1}} | watch.max_gap: -1 (expected: ≥ 0)",
        "watch: {gold: {version: 1}} | watch.gold.model: absent (expected: the name of an ensemble or composite that Score answers for)",
        "watch: {gold: {model: a}} | watch.gold.version: absent (expected: a version of it)",
        "watch: {gold: {model: a, version: 1, every: 0}} | watch.gold.every: 0 (expected: a whole number, 1 to 100,000)",
        "watch: {gold: {model: a, version: 1, completions: 1}} | watch.gold.completions: 1 (expected: a whole number, 2 to 65,536)",
        "watch: {gold: {model: a, version: 1, uwo_lambda: 1}} | watch.gold.uwo_lambda: beside MEAN",
        "watch: {gold: {model: java-reward, version: 1}} | watch.gold: java-reward/1 (expected: another than reward: what is trained on is no measure of itself)",
        "advantage: GAE | advantage: GAE (expected: RLOO or CENTRED with constraint.method HC_RLHF",
        "objective: {kind: DPO} | objective.kind: DPO (expected: POLICY_GRADIENT with constraint.method HC_RLHF",
        "objective: {kind: POLICY_GRADIENT, clip_low: 0.1} | objective.clip_low: beside POLICY_GRADIENT",
        "objective: {kind: POLICY_GRADIENT, updates_per_iteration: 2} | objective.updates_per_iteration: 2 (expected: 1 with POLICY_GRADIENT",
        "'algorithm: PPO\nadvantage: {critic_warmup: 20}' | advantage.critic_warmup: 20 (expected: less than iterations, 20, or the policy never learns)",
        "'algorithm: PPO_MAX\niterations: 5' | advantage.critic_warmup: 5 (expected: less than iterations, 5,",
        "'algorithm: PPO\nadvantage: {critic_warmup: 1.5}' | advantage.critic_warmup: 1.5 (expected: a whole number, 0 to 1,000)",
        "'algorithm: PPO\nadvantage: {critic_warmup: 1, value_coefficient: 0}' | advantage: GAE (expected: another: critic_warmup trains the critic alone",
        "'algorithm: GRPO\nadvantage: {critic_warmup: 1}' | advantage.critic_warmup: beside GRPO (expected: none: it is read by GAE)",
        "ptx: {coefficient: 1} | ptx.file: absent (expected: a path below the data folder",
        "ptx: {file: a} | ptx.coefficient: absent (expected: ≥ 0",
        "ptx: {file: a, coefficient: -1} | ptx.coefficient: -1 (expected: ≥ 0",
        "ptx: {file: a, coefficient: 1, texts_per_update: 0} | ptx.texts_per_update: 0 (expected: a whole number, 1 to 1,024)",
        "ptx: {file: a, coefficient: 1, max_tokens: 1} | ptx.max_tokens: 1 (expected: a whole number, 2 to 4,096)",
        "ptx: {file: a, coefficient: 1, texts: 3} | ptx.texts: unknown key",
        "critic: {model: a, version: 1} | critic: beside an advantage without one (expected: absent, or advantage GAE)",
        "'algorithm: PPO\ncritic: {version: 1}' | critic.model: absent (expected: the name of a reward model",
        "'algorithm: PPO\ncritic: {model: a}' | critic.version: absent (expected: the version of a reward model",
        "'algorithm: PPO\ncritic: {model: a, version: 1, label: -1}' | critic.label: -1 (expected: a whole number, 0 to 65,535)",
        "'algorithm: PPO\ncritic: {model: a, version: 1, learning_rate: 0}' | critic.learning_rate: 0 (expected: > 0 and ≤ 1)",
        "objective: {minibatches: 2} | objective.minibatches: 2 (expected: 1 with POLICY_GRADIENT",
        "'algorithm: PPO\nobjective: {minibatches: 65}' | objective.minibatches: 65 (expected: a whole number, 1 to 64)",
        "'algorithm: PPO\nobjective: {minibatches: 33}' | objective.minibatches: 33 (expected: at most rollout.prompts_per_iteration, 32: what was written",
        "'algorithm: PPO\nobjective: {minibatches: 4, updates_per_iteration: 6}' | objective.updates_per_iteration: 6 (expected: a multiple of objective.minibatches, 4: every",
        "'constraint: {enabled: false}\nobjective: {clip_low: 1}' | objective.clip_low: 1 (expected: > 0 and < 1)",
        "'constraint: {enabled: false}\nkl: {estimator: K1}' | kl.estimator: K1 (expected: one of K3, K2)",
        "kl: {stop_at: 0} | kl.stop_at: 0 (expected: > 0)",
        "constraint: {enabled: 1} | constraint.enabled: 1 (expected: true or false)",
        "constraint: {target: 2} | constraint.target: 2 (expected: 0 to 1)",
        "constraint: {lambda_init: 3, lambda_max: 2} | constraint.lambda_init: 3.0 (expected: 0.01 to 2.0",
        "constraint: {lambda_init: 1e308, lambda_max: 1e308} | constraint.lambda_init: 1.0E308 (expected: 0 to 1,000,000)",
        "constraint: {lambda_max: 1000001} | constraint.lambda_max: 1000001 (expected: 0 to 1,000,000)",
        "constraint: {lambda_step: 1e308} | constraint.lambda_step: 1.0E308 (expected: > 0, at most 1,000,000)",
        "constraint: {multiplier: LINEAR, lambda_step: 1000001} | constraint.lambda_step: 1000001 (expected: > 0, at most 1,000,000)",
        "constraint: {lambda_min: 1e308} | constraint.lambda_min: 1.0E308 (expected: > 0, at most 1,000,000)",
        "constraint: {c1: 1e308, c2: 1e308} | constraint.c1: 1.0E308 (expected: 0 to 1,000,000)",
        "constraint: {c2: 1e308} | constraint.c2: 1.0E308 (expected: 0 to 1,000,000)",
        "constraint: {method: FIXED_PENALTY, penalty: 1e308} | constraint.penalty: 1.0E308 (expected: 0 to 1,000,000)",
        "constraint: {multiplier: LINEAR, lambda_min: 1} | constraint.lambda_min: beside LINEAR",
        "constraint: {method: LAGRANGE} | constraint.method: LAGRANGE (expected: one of HC_RLHF, PPO_LAGRANGIAN, FIXED_PENALTY)",
        "constraint: {penalty: 1} | constraint.penalty: beside HC_RLHF (expected: none: its price moves)",
        "constraint: {method: FIXED_PENALTY, target: 0.1} | constraint.target: beside FIXED_PENALTY (expected: none: its price, penalty, does not move)",
        "constraint: {method: PPO_LAGRANGIAN, c1: 1} | constraint.c1: beside PPO_LAGRANGIAN (expected: none: only HC_RLHF has a pessimistic bound)",
        "constraint: {staleness: {versions: 2}} | constraint.staleness.versions: beside KEEP (expected: none: only DROP reads it)",
        "constraint: {staleness: {kind: DROP, half_life: 2}} | constraint.staleness.half_life: beside DROP (expected: none: only FADE reads it)",
        "constraint: {staleness: {kind: FADE, half_life: 0}} | constraint.staleness.half_life: 0 (expected: > 0)",
        "advantage: GRPO | advantage: GRPO (expected: RLOO or CENTRED with constraint.method HC_RLHF: dividing by each group's standard deviation",
        "'constraint: {method: PPO_LAGRANGIAN}\nadvantage: GRPO' | advantage: GRPO (expected: RLOO or CENTRED with constraint.method PPO_LAGRANGIAN",
        "objective: {kind: PPO_CLIP} | objective.kind: PPO_CLIP (expected: POLICY_GRADIENT with constraint.method HC_RLHF",
        "objective: {aggregation: TOKEN_MEAN} | objective.aggregation: TOKEN_MEAN (expected: SEQUENCE_MEAN_TOKEN_SUM with constraint.method HC_RLHF: a mean over tokens",
        "objective: {aggregation: SEQUENCE_MEAN_TOKEN_MEAN} | objective.aggregation: SEQUENCE_MEAN_TOKEN_MEAN (expected: SEQUENCE_MEAN_TOKEN_SUM",
        "rollout: {temperature: 1.5} | rollout.temperature: 1.5 (expected: 1 with constraint.method HC_RLHF: the KL in the return",
        "'constraint: {method: PPO_LAGRANGIAN}\nobjective: {kind: POLICY_GRADIENT}\nrollout: {temperature: 0.5}' | rollout.temperature: 0.5 (expected: 1 with constraint.method PPO_LAGRANGIAN",
        "constraint: {staleness: {kind: FADE}} | constraint.staleness.kind: FADE (expected: KEEP with a buffer of 256: one iteration has prompts_per_iteration · completions_per_prompt, 256 costs",
        "'constraint: {method: PPO_LAGRANGIAN, buffer: 128, staleness: {kind: DROP}}' | constraint.staleness.kind: DROP (expected: KEEP with a buffer of 128",
        "constraints: [] | constraints: 0 objects (expected: a list of 1 to 8 objects)",
        "costs: {measured: [{name: a, model: java-cost, version: 1}]} | costs.measured[0]: java-cost/1 (expected: another than reward and cost: what is trained on",
        "'reward: {model: mix, version: 1, aggregation: NONE}\ncosts: {measured: [{name: a, model: mix, version: 1, component: parses}]}' | costs.measured[0]: mix/1 (expected: another than reward and cost",
        "kl: {estimator: K3} | kl.estimator: beside constraint.method HC_RLHF (expected: none: the KL is in the return",
        "cost: {version: 2} | safety_test.cost_model: java-cost/2 (expected: another than cost, java-cost/2",
        "costs: {measured: {name: a}} | costs.measured: an object (expected: a list of at most 8 objects)",
        "costs: {measured: [a]} | costs.measured[0]: a text of 1 character (expected: an object with keys)",
        "costs: {measured: [{model: a, version: 1}]} | costs.measured[0].name: absent (expected: what it is called in iterations)",
        "costs: {measured: [{name: a, version: 1}]} | costs.measured[0].model: absent (expected: a cost model, or a composite",
        "costs: {measured: [{name: a, model: b, version: 1, evry: 2}]} | costs.measured[0].evry: unknown key (did you mean 'every'?",
        "costs: {measured: [{name: a, model: b, version: 1}, {name: a, model: c, version: 1}]} | costs.measured[1].name: a (expected: another than",
        "advantage: BEST | advantage.kind: BEST (expected: one of NONE, RETURN, RUNNING_MEAN, GRPO, RLOO,",
        "advantage: {kind: RLOO, trace_decay: 0.9} | advantage.trace_decay: beside RLOO (expected: none: it is read by GAE)",
        "advantage: [RLOO] | advantage: a list (expected: a kind, or an object with kind and its keys)",
        "algorithm: GROPO | algorithm: GROPO (expected: one of REINFORCE, RLOO, GRPO,",
        "'algorithm: GRPO\nobjective: {clip_low: 2}' | objective.clip_low: 2 (expected: > 0 and < 1)",
        "'algorithm: ONLINE_DPO\nobjective: {clip_low: 0.1}' | objective.clip_low: beside DPO (expected: none: it is read by PPO_CLIP, GSPO",
        "'algorithm: ONLINE_DPO\nobjective: {aggregation: TOKEN_MEAN}' | objective.aggregation: beside DPO (expected: none: its loss is of whole completions)",
        "'algorithm: ONLINE_DPO\nselector: ALL' | objective.kind: DPO (expected: another: it needs pairs of a chosen and a rejected completion, which would be given by selector BEST_AND_WORST",
        "'algorithm: ONLINE_DPO\nkl: {coefficient: 0.1, place: REWARD}' | objective.kind: DPO (expected: another: a KL in the reward",
        "'algorithm: GSPO\nadvantage: GAE' | objective.kind: GSPO (expected: another: it needs one advantage for the whole completion, which would be given by advantage GRPO",
        "'constraint: {method: FIXED_PENALTY}\nadvantage: NONE\nobjective: {kind: CROSS_ENTROPY}' | objective.kind: CROSS_ENTROPY (expected: another: it reads neither advantages nor roles",
        "'algorithm: GRPO\nsource: POLICY_AND_GREEDY' | source: POLICY_AND_GREEDY (expected: another: the advantage reads no greedy reward)",
        "'algorithm: DAPO\nconstraint: {method: PPO_LAGRANGIAN}' | advantage: GRPO (expected: RLOO or CENTRED with constraint.method PPO_LAGRANGIAN",
        "'algorithm: DAPO\nadvantage: RLOO\nconstraint: {method: PPO_LAGRANGIAN}' | constraint.method: PPO_LAGRANGIAN (expected: FIXED_PENALTY beside source, shaping or selector",
        "'algorithm: DAPO\nselector: {max_rounds: 0}' | selector.max_rounds: 0 (expected: a whole number, 1 to 100)",
        "'algorithm: DAPO\nselector: {max_rounds: 2.5}' | selector.max_rounds: 2.5 (expected: a whole number, 1 to 100)",
        "'algorithm: GRPO\nselector: {max_rounds: 3}' | selector.max_rounds: beside ALL (expected: none: it is read by DYNAMIC_SAMPLING)",
        "'algorithm: DAPO\nselector: {kind: ALL, max_rounds: 3}' | selector.max_rounds: beside ALL (expected: none",
        "'algorithm: DAPO\nselector: {max_round: 3}' | selector.max_round: unknown key (did you mean 'max_rounds'? known: kind, max_rounds)",
        "'algorithm: DAPO\nshaping: [HISTORY]' | selector: DYNAMIC_SAMPLING (expected: another: beside shaping HISTORY nobody knows",
        "'algorithm: DAPO\nsource: POLICY_AND_REFERENCE' | selector: DYNAMIC_SAMPLING (expected: another: it needs several completions of each prompt, which would be given by source POLICY or",
        "'algorithm: DAPO\nkl: {coefficient: 0.1, target: 1, horizon: 2559}' | kl.horizon: 2559.0 (expected: at least the 2,560 completions that an iteration may have)",
        "'algorithm: GRPO\nkl: {target: 0}' | kl.target: 0 (expected: > 0)",
        "'algorithm: GRPO\nkl: {horizon: 100}' | kl.horizon: without kl.target",
        "'algorithm: DR_GRPO\nkl: {target: 1}' | kl.target: beside a coefficient of 0",
        "'algorithm: GRPO\nkl: {target: 1, horizon: 5}' | kl.horizon: 5.0 (expected: at least the",
        "'kl: {target: 1}' | kl.target: beside constraint.method HC_RLHF (expected: none: the KL is in",
        "'algorithm: REINFORCE\nkl: {coefficient: 0}\nobjective: {importance_cap: 2}\nrollout: {temperature: 0.7}' | rollout.temperature: 0.7 (expected: 1 with objective.importance_cap",
        "'algorithm: RLOO\nrollout: {temperature: 0.7}' | rollout.temperature: 0.7 (expected: 1 with kl.place REWARD",
        "'algorithm: GRPO\nshaping: [{kind: HISTORY, overlong_tokens: 4}]' | shaping[0].overlong_tokens: beside HISTORY (expected: none: it is read by OVERLONG_PENALTY)",
        "'algorithm: GRPO\nshaping: [LOUD]' | shaping[0].kind: LOUD (expected: one of HISTORY,",
        "promotion: MAYBE | promotion: MAYBE (expected: one of AUTOMATIC, WAIT, NEVER)",
        "name: twice | spec: no YAML: found duplicate key name",
        "do it: 1 | spec: unknown key: a text of 5 characters (known: name, ",
        "'do it: 1\ndo it: 2' | spec: no YAML: found duplicate key (line 5, column 1)",
        "seed: !!int x | spec: no YAML",
        "'a: [' | spec: no YAML"
      })
  void aFlawIsNamedByItsPath(String more, String message) {
    assertThatThrownBy(() -> read(LEAST + more))
        .isInstanceOf(MeshException.class)
        .hasMessageStartingWith(message)
        .extracting(thrown -> ((MeshException) thrown).fault())
        .isEqualTo(Fault.MALFORMED_REQUEST);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "name: least | name: 'a b' | name: 'a b' (expected: 1 to 128 of [A-Za-z0-9._-]",
        "name: least | name: -a | name: '-a' (expected: a name, 1 to 64",
        "name: least | seed: 1 | name: absent (expected: a name",
        "threshold: 0.3, | '' | safety_test.threshold: absent (expected: the allowed mean harm",
        "threshold: 0.3 | threshold: 1.1 | safety_test.threshold: 1.1 (expected: the allowed mean",
        "threshold: 0.3 | 'threshold: 0.3, bound: WALD' | safety_test.bound: WALD (expected: one of STUDENT_T",
        "threshold: 0.3 | 'threshold: 0.3, bound: CLOPPER_PEARSON' | constraint.target: absent (expected: the allowed mean harm probability: under",
        "threshold: 0.3 | 'threshold: 0.3, looks: 3' | safety_test.looks: beside REFUSE (expected: none: only SPLIT has several looks)",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT' | safety_test.looks: absent (expected: how many looks share delta",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT, looks: 1' | safety_test.looks: 1 (expected: a whole number, 2 to 1,000)",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT, looks: 2, draw_count: 2' | safety_test.draw_count: beside SPLIT",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT, looks: 2, attempts: 2' | safety_test.attempts: beside SPLIT",
        "threshold: 0.3 | 'threshold: 0.3, attempts: 11' | safety_test.attempts: 11 (expected: a whole number, 1 to 10)",
        "threshold: 0.3 | 'threshold: 0.3, draw_count: 1' | safety_test.draw_count: 1 (expected: a whole number, 2 to 10,000)",
        "threshold: 0.3 | 'threshold: 0.3, delta: 1' | safety_test.delta: 1 (expected: > 0, < 1)",
        "'prompts: {inline: [a]}' | seed: 1 | prompts: no source (expected: exactly one of inline, file, pairs, ratings, feedback)",
        "'{inline: [a]}' | '{inline: [a], file: f}' | prompts: inline and file (expected: exactly one of",
        "'{inline: [a]}' | '{inline: [1]}' | prompts.inline[0]: a number (expected: text; put it in quotes)",
        "'prompts: {inline: [a]}' | 'prompts: []' | prompts: no source (expected: at least one)",
        "'prompts: {inline: [a]}' | 'prompts: [a]' | prompts[0]: a text of 1 character (expected: an object with keys)",
        "'prompts: {inline: [a]}' | 'prompts: do it' | prompts: a text of 5 characters (expected: an object with keys)",
        "'{inline: [a]}' | '{inline: do it}' | prompts.inline: a text of 5 characters (expected: a list)",
        "'{inline: [a]}' | '{inline: [do it: now]}' | prompts.inline[0]: an object (expected: text; put it in quotes)",
        "'{inline: [a]}' | '[do it: now]' | prompts[0]: unknown key: a text of 5 characters (known: inline, file,",
        "'{inline: [a]}' | '[{inline: [a]}, {}]' | prompts[1]: no source (expected: exactly one of inline, file, pairs, ratings, feedback)",
        "'{inline: [a]}' | '[{inline: [a], weight: 0}]' | prompts[0].weight: 0 (expected: > 0)",
        "'{inline: [a]}' | '{inline: [a], weight: 2}' | prompts.weight: unknown key",
        "'{inline: [a]}' | '{inline: [a], max_bad_rows: 2}' | prompts.max_bad_rows: beside inline",
        "'{inline: [a]}' | '{inline: [a], column: x}' | prompts.column: beside inline (expected: none: only a file has columns)",
        "'{inline: [a]}' | '{file: f, max_bad_rows: -1}' | prompts.max_bad_rows: -1 (expected: a whole number, 0 to",
        "'{inline: [b, c]}' | '{feedback: {}}' | safety_test.prompts.feedback: unknown key"
      })
  void whatMustBeThereIsNamed(String from, String to, String message) {
    assertThatThrownBy(() -> read(LEAST.replace(from, to == null ? "" : to)))
        .isInstanceOf(MeshException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void samplingAheadAsksForACorrectionAndForCostsThatCount() {
    String ahead = LEAST + "\nrollout: {staleness: 2}\n";
    assertThatThrownBy(() -> read(ahead))
        .hasMessage(
            "rollout.staleness: 2 (expected: 0 with objective.importance_cap 0; above 0, 2 for"
                + " one, it corrects for what older weights sampled)");
    String corrected = ahead + "objective: {importance_cap: 2}\n";
    assertThat(read(corrected).rollout().staleness()).isEqualTo(2);
    assertThatThrownBy(
            () ->
                read(
                    corrected
                        + "constraint: {buffer: 5000, staleness: {kind: DROP, versions: 1}}\n"))
        .hasMessage(
            "constraint.staleness.versions: 1 (expected: at least rollout.staleness, 2, or no cost"
                + " ever counts)");
    assertThatThrownBy(() -> read(corrected + "watch: {action: STOP}\n"))
        .hasMessageStartingWith("rollout.staleness: 2 (expected: 0 with watch.action STOP: ");
    assertThatThrownBy(() -> read(LEAST + "\nrollout: {staleness: 9}\n"))
        .hasMessageContaining("rollout.staleness: 9 (expected: a whole number, 0 to 8)");
  }

  /** Of what YAML and JSON can say beyond keys and values, nothing is done, and soon. */
  @Test
  @Timeout(20)
  void whatOnlyLooksLikeASpecIsRefusedAtOnce() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x]\n");
    for (int i = 1; i < 40; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1));
    }
    refused(bomb.toString(), "spec: no YAML: Number of aliases");
    StringBuilder small = new StringBuilder(LEAST + "seed: [&a0 [x, x]");
    for (int i = 1; i < 10; i++) {
      small.append(", &a%d [*a%d]".formatted(i, i - 1));
    }
    refused(small + "]", "seed: a list (expected: a whole number of 64 bits)");
    refused(LEAST + "seed: &s [*s]", "seed: a list (expected: a whole number of 64 bits)");
    refused(LEAST + "? [a, b]\n: 1", "spec: unknown key: a list (known: name, ");
    refused(
        LEAST + "seed: !!java.net.URL [\"http://127.0.0.1\"]",
        "spec: no YAML: Global tag is not allowed");
    refused(LEAST + "---\nname: second", "spec: no YAML: ");
    refused("x: " + "[".repeat(100_000), "spec: no YAML: Nesting Depth exceeded max");
    refused("{\"x\": " + "[".repeat(100_000), "spec: no JSON: Document nesting depth");
    refused("{\"seed\": " + "9".repeat(100_000) + "}", "spec: no JSON: Number value length");
    refused("{\"seed\": 1, \"seed\": 2}", "spec: no JSON: Duplicate field 'seed'");
    refused("{} {}", "spec: no JSON: Trailing token");
    refused("{\"seed\": NaN}", "spec: no JSON: Non-standard token (line 1, column ");
    refused("[]", "spec: a list (expected: an object with keys)");
    refused("just words", "spec: a text of 10 characters (expected: an object with keys)");
    refused(LEAST + "seed: 9223372036854775808", "seed: 9223372036854775808 (expected: a whole");
    refused(LEAST + "policy: {model: -x}", "policy.model: '-x' (expected: 1 to 128 of");
    refused(LEAST + "policy: {version: \"1\\n2\"}", "policy.version: '1\n2' (expected: 1 to 128");
  }

  @Test
  void whatIsNoObjectIsRefused() {
    for (String spec : List.of("3", "[a]", "# nothing", "{\"name\": 1")) {
      assertThatThrownBy(() -> read(spec))
          .isInstanceOf(MeshException.class)
          .hasMessageStartingWith("spec: ");
    }
  }
}
