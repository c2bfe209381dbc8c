"""Samples and log-probabilities of one pinned version of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ballast.client import Mesh, content, selector
from ballast.errors import ItemFailure
from ballast.mesh.v1 import mesh_pb2
from ballast.policy.v1 import policy_service_pb2, version_service_pb2
from ballast.sampling import SampledGroup, Sampling, group_of


@dataclass(frozen=True)
class TokenLogProbs:
    """Log-probabilities of one completion of T tokens, by teacher forcing."""

    tokens: tuple[int, ...]
    """Shape [T]."""
    log_probs: tuple[float, ...]
    """Shape [T], nats, at temperature 1."""
    entropies: tuple[float, ...]
    """Shape [T], nats; empty unless asked for."""


class Rollout:
    """Draws from one version, whatever the alias does meanwhile.

    :param model: the policy; empty: the mesh's default
    :param version: the version; empty: what ``alias``, or ``serving``, points to now, looked up once
    """

    def __init__(self, mesh: Mesh, model: str = "", *, version: str = "", alias: str = "") -> None:
        self._mesh = mesh
        request = version_service_pb2.GetVersionRequest(metadata=mesh.metadata(), selector=selector(model, version, alias))
        found: mesh_pb2.ModelVersion = mesh.call_again(mesh.versions.GetVersion, request).version.version
        self.model = found.model
        """The model's name."""
        self.version = found.version
        """The version that is drawn from."""
        self.weights_sha256 = found.weights_sha256
        """The checksum of its weights."""

    def sample(
        self,
        prompts: Sequence[str | Sequence[int]],
        n: int = 1,
        sampling: Sampling | None = None,
        *,
        max_prompt_tokens: int | None = None,
        timeout: float | None = None,
    ) -> list[SampledGroup | ItemFailure]:
        """Returns ``n`` completions for each prompt, or why there are none: one bad prompt fails alone.

        :param prompts: 1 to 1,024 texts or token ids
        :param n: 1 to 64
        :param max_prompt_tokens: the most prompt tokens used, the last ones; None: as many as fit
        :param timeout: seconds with retries; None: the mesh's
        """
        request = policy_service_pb2.SampleRequest(
            metadata=self._mesh.metadata(),
            policy=selector(self.model, self.version),
            prompts=[content(prompt) for prompt in prompts],
            completions_count=n,
            sampling=(sampling or Sampling()).message(),
            max_prompt_tokens=max_prompt_tokens,
        )
        answer = self._mesh.call_again(self._mesh.policy.Sample, request, self._mesh.deadline(timeout))
        return [_group(result) for result in answer.results]

    def log_probs(
        self,
        prompts: Sequence[str | Sequence[int]],
        completions: Sequence[str | Sequence[int]],
        *,
        entropies: bool = False,
        timeout: float | None = None,
    ) -> list[TokenLogProbs | ItemFailure]:
        """Returns the log-probabilities of given completions, or why there are none, one by one; 1 to 1,024 of them."""
        if len(prompts) != len(completions):
            raise ValueError(f"completions: {len(completions):,} for {len(prompts):,} prompts (expected: as many)")
        request = policy_service_pb2.LogProbsRequest(
            metadata=self._mesh.metadata(),
            policy=selector(self.model, self.version),
            items=[
                policy_service_pb2.LogProbsItem(prompt=content(prompt), completion=content(completion))
                for prompt, completion in zip(prompts, completions, strict=True)
            ],
            with_entropies=entropies,
        )
        answer = self._mesh.call_again(self._mesh.policy.LogProbs, request, self._mesh.deadline(timeout))
        return [_log_probs(result) for result in answer.results]


def _group(result: policy_service_pb2.SampleResult) -> SampledGroup | ItemFailure:
    if result.WhichOneof("outcome") != "group":
        return ItemFailure.of(result.failure)
    return group_of(result.group.prompt_tokens, result.group.completions)


def _log_probs(result: policy_service_pb2.LogProbsResult) -> TokenLogProbs | ItemFailure:
    if result.WhichOneof("outcome") != "value":
        return ItemFailure.of(result.failure)
    value = result.value
    return TokenLogProbs(tuple(value.tokens.token_ids), tuple(value.log_probs), tuple(value.entropies))
