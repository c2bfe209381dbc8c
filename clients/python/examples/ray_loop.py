"""A training loop whose rollouts are Ray's: workers sample from the weights in training and have their samples scored, each over a connection of its own.

python ray_loop.py [HOST:PORT]
"""

import sys

import ray

from ballast import Mesh
from ballast.learner import Group, Optimizer, Session
from ballast.sampling import SampledGroup, Sampling
from ballast.scoring import Score, Scorer

PROMPTS = ["int size = list.", "if (name == ", "return new ", "for (String line : "]
WORKERS = 2


@ray.remote(num_cpus=0, max_restarts=3, max_task_retries=3)
class Rollouts:
    """One process: started again if it dies, and asked again then."""

    def __init__(self, target, session_id):
        mesh = Mesh(target)
        self.session = Session(mesh, session_id)
        self.scorer = Scorer(mesh, truncation="keep_last")

    def draw(self, prompts, seed):
        """Each prompt's completions that have a reward, and their rewards: a failure is never a number."""
        groups = self.session.sample(prompts, 8, Sampling(temperature=1, max_new_tokens=12, stop_strings=["\n"], seed=seed))
        return [self.scored(*pair) for pair in zip(prompts, groups, strict=True) if isinstance(pair[1], SampledGroup)]

    def scored(self, prompt, group):
        drawn = [completion for completion in group.completions if completion.tokens]
        scores = self.scorer.score([prompt] * len(drawn), [completion.text for completion in drawn])
        pairs = [(completion, score.value) for completion, score in zip(drawn, scores, strict=True) if isinstance(score, Score)]
        return SampledGroup(group.prompt_tokens, tuple(completion for completion, _ in pairs)), [reward for _, reward in pairs]


def reinforce(rewards):
    """∂loss/∂logp of −Σ A·logp over all completions' mean, A being each reward less the mean of the others' (RLOO)."""
    count = sum(map(len, rewards))
    advantages = [[(len(group) * reward - sum(group)) / (len(group) - 1) for reward in group] for group in rewards]
    return lambda log_probs: [[[-a / count] * len(c.log_probs) for a, c in zip(*pair, strict=True)] for pair in zip(advantages, log_probs, strict=True)]


target = sys.argv[1] if len(sys.argv) > 1 else None
with Mesh(target) as mesh, Session.create(mesh, Optimizer(1e-4), "java-tiny", version="1") as session:
    ray.init(include_dashboard=False, log_to_driver=False)
    workers = [Rollouts.remote(target, session.session_id) for _ in range(WORKERS)]
    for step in range(8):
        drawn = [worker.draw.remote(PROMPTS[i::WORKERS], step) for i, worker in enumerate(workers)]
        batch = [(group, rewards) for share in ray.get(drawn) for group, rewards in share if len(rewards) > 1]
        rewards = [rewards for _, rewards in batch]
        session.forward_backward([Group.of(group) for group, _ in batch], reinforce(rewards))
        norm = session.optim_step().result().gradient_norm
        print(f"step {step}: reward {sum(map(sum, rewards)) / sum(map(len, rewards)):+.3f}, gradient norm {norm:.3f}, {len(batch)} prompts")
    print("published", session.publish(f"ray-{session.session_id[:8]}").result().version)
