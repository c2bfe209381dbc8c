"""A training loop of your own: sample from the weights in training, score by the mesh, REINFORCE with RLOO's baseline, step.

python custom_loop.py [HOST:PORT]
"""

import sys

from ballast import Mesh
from ballast.learner import Group, Optimizer, Session
from ballast.sampling import SampledGroup, Sampling
from ballast.scoring import Score, Scorer

PROMPTS = ["int size = list.", "if (name == ", "return new ", "for (String line : "]


def scored(scorer, prompt, sampled):
    """The completions that have a reward, and their rewards: a failure is never a number."""
    drawn = [completion for completion in sampled.completions if completion.tokens]
    scores = scorer.score([prompt] * len(drawn), [completion.text for completion in drawn])
    pairs = [(completion, score.value) for completion, score in zip(drawn, scores, strict=True) if isinstance(score, Score)]
    return SampledGroup(sampled.prompt_tokens, tuple(completion for completion, _ in pairs)), [reward for _, reward in pairs]


def reinforce(rewards):
    """∂loss/∂logp of −Σ A·logp over all completions' mean, A being each reward less the mean of the others' (RLOO)."""
    count = sum(map(len, rewards))
    advantages = [[(len(group) * reward - sum(group)) / (len(group) - 1) for reward in group] for group in rewards]
    return lambda log_probs: [[[-a / count] * len(c.log_probs) for a, c in zip(*pair, strict=True)] for pair in zip(advantages, log_probs, strict=True)]


with Mesh(sys.argv[1] if len(sys.argv) > 1 else None) as mesh, Session.create(mesh, Optimizer(3e-5), "java-tiny", version="1") as session:
    scorer = Scorer(mesh, truncation="keep_last")
    for step in range(8):
        sampled = session.sample(PROMPTS, 8, Sampling(temperature=1, max_new_tokens=12, stop_strings=["\n"], seed=step))
        pairs = zip(PROMPTS, sampled, strict=True)
        batch = [scored(scorer, prompt, group) for prompt, group in pairs if isinstance(group, SampledGroup)]
        batch = [(group, rewards) for group, rewards in batch if len(rewards) > 1]
        rewards = [rewards for _, rewards in batch]
        session.forward_backward([Group.of(group) for group, _ in batch], reinforce(rewards))
        norm = session.optim_step().result().gradient_norm
        print(f"step {step}: reward {sum(map(sum, rewards)) / sum(map(len, rewards)):+.3f}, gradient norm {norm:.3f}")
    print("published", session.publish(f"custom-{session.session_id[:8]}").result().version)
