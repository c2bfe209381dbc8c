"""What the mesh's learner saved is a model of Hugging Face's transformers, with the same logits."""

from __future__ import annotations

import pytest
import torch
from conftest import Running
from transformers import AutoModelForCausalLM, AutoTokenizer

from ballast import Mesh
from ballast.learner import Adapters, Group, Objective, Optimizer, Session, TrainingCompletion
from ballast.policy.v1 import version_service_pb2
from ballast.rollout import Rollout, TokenLogProbs
from ballast.sampling import SampledGroup, Sampling

PROMPTS = ["int size = list.", "for (String line : "]
# nats: both compute in 32 bits and sum in other orders, which the layers carry on; 7e-6 apart at most where this was written
TOLERANCE = 1e-4
# completions of a group: a learner bounds the tokens of one
GROUP = 1024
ADAPTERS = Adapters(rank=4, alpha=8, seed=1)


@pytest.mark.parametrize(
    ("adapters", "average_decay"),
    [(None, None), (ADAPTERS, None), (None, 0.5), (ADAPTERS, 0.5)],
    ids=["weights", "adapters", "average", "average-of-adapters"],
)
def test_a_published_policy_has_the_same_logits_in_transformers(running: Running, client: Mesh, adapters: Adapters | None, average_decay: float | None) -> None:
    average = average_decay is not None
    rate = Optimizer(learning_rate=1e-3)
    with Session.create(client, rate, "java-tiny", version="1", adapters=adapters, average_decay=average_decay) as session:
        sampled = session.sample(PROMPTS, 4, Sampling(temperature=1, max_new_tokens=12, seed=7))
        groups = [Group.of(group) for group in sampled if isinstance(group, SampledGroup)]
        for _ in range(3):
            session.forward_backward(groups, Objective("cross_entropy"))
            session.optim_step().result()
        version = f"python-{session.session_id[:8]}"
        saved = session.publish(version, average=average).result()

        folder = running.data / "models" / saved.model / saved.version
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
        tokens = (*groups[1].prompt, *groups[1].completions[0].tokens)
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0]

        # a constant added to all logits of a place changes nothing that a model says: no call gives it, and the softmax takes it from both
        here = torch.log_softmax(logits.double(), dim=-1)
        assert here.shape == (len(tokens), model.config.vocab_size)
        for place in range(len(tokens)):
            learner = log_probs_of_all(session, tokens[: place + 1], here.shape[1], average=average)
            assert (here[place] - learner).abs().max().item() < TOLERANCE, f"after {place + 1} tokens"
        # and it is what was learned that is compared: neither what it began from, nor what it is the average of
        others = [log_probs_of_all(session, tokens, here.shape[1], reference=True)]
        others += [log_probs_of_all(session, tokens, here.shape[1])] if average else []
        for other in others:
            assert (here[-1] - other).abs().max().item() > 100 * TOLERANCE


def test_a_published_policy_is_served_with_the_log_probs_of_transformers(running: Running, client: Mesh, session: Session) -> None:
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


def log_probs_of_all(session: Session, before: tuple[int, ...], vocabulary: int, *, reference: bool = False, average: bool = False) -> torch.Tensor:
    """What the learner says of each token of the vocabulary in the place after ``before``, shape [V]."""
    tokens = [TrainingCompletion([token]) for token in range(vocabulary)]
    groups = [Group(before, tokens[first : first + GROUP]) for first in range(0, vocabulary, GROUP)]
    numbers = session.forward(groups, reference=reference, average=average)
    return torch.tensor([each.log_probs[0] for group in numbers for each in group], dtype=torch.float64)


def log_probs(model: torch.nn.Module, prompt: tuple[int, ...], completion: tuple[int, ...]) -> list[float]:
    """The log-probability of each token of the completion after the prompt, shape [T]."""
    tokens = torch.tensor([[*prompt, *completion]])
    with torch.no_grad():
        logits = model(tokens).logits[0, len(prompt) - 1 : -1]
    chosen = torch.log_softmax(logits.double(), dim=-1).gather(1, tokens[0, len(prompt) :, None])
    return chosen[:, 0].tolist()
