"""What the mesh's learner saved is a model of Hugging Face's transformers, with the same probabilities."""

from __future__ import annotations

import pytest
import torch
from conftest import Running
from transformers import AutoModelForCausalLM, AutoTokenizer

from ballast import Mesh
from ballast.learner import Group, Objective, Session
from ballast.policy.v1 import version_service_pb2
from ballast.rollout import Rollout, TokenLogProbs
from ballast.sampling import SampledGroup, Sampling

PROMPTS = ["int size = list.", "for (String line : "]
# nats: both compute in 32 bits and sum in other orders; 7e-6 apart at most where this was written
TOLERANCE = 1e-4


def test_a_published_policy_has_the_same_log_probs_in_transformers(running: Running, client: Mesh, session: Session) -> None:
    sampled = session.sample(PROMPTS, 4, Sampling(temperature=1, max_new_tokens=12, seed=7))
    groups = [Group.of(group) for group in sampled if isinstance(group, SampledGroup)]
    for _ in range(3):
        session.forward_backward(groups, Objective("cross_entropy"))
        session.optim_step(1e-3).result()
    version = f"python-{session.session_id[:8]}"
    saved = session.publish(version).result()

    folder = running.data / "models" / saved.model / saved.version
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    request = version_service_pb2.RegisterVersionRequest(metadata=client.metadata(), model=saved.model, version=saved.version)
    client.call(client.versions.RegisterVersion, request, timeout=60)
    served = Rollout(client, saved.model, version=version)
    assert served.weights_sha256 == saved.weights_sha256

    learner = session.forward(groups)
    for i, group in enumerate(groups):
        assert tokenizer(PROMPTS[i])["input_ids"] == list(group.prompt)
        completions = [completion.tokens for completion in group.completions]
        of_policy = served.log_probs([group.prompt] * len(completions), completions)
        for j, completion in enumerate(completions):
            here = log_probs(model, group.prompt, completion)
            policy = of_policy[j]
            assert isinstance(policy, TokenLogProbs)
            assert here == pytest.approx(policy.log_probs, abs=TOLERANCE)
            assert here == pytest.approx(learner[i][j].log_probs, abs=TOLERANCE)


def log_probs(model: torch.nn.Module, prompt: tuple[int, ...], completion: tuple[int, ...]) -> list[float]:
    """The log-probability of each token of the completion after the prompt, shape [T]."""
    tokens = torch.tensor([[*prompt, *completion]])
    with torch.no_grad():
        logits = model(tokens).logits[0, len(prompt) - 1 : -1]
    chosen = torch.log_softmax(logits.double(), dim=-1).gather(1, tokens[0, len(prompt) :, None])
    return chosen[:, 0].tolist()
