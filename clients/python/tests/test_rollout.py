"""Samples and log-probabilities of one pinned version."""

from __future__ import annotations

import pytest
from conftest import Running

from ballast import ItemFailure, Mesh, errors
from ballast.rollout import Rollout, TokenLogProbs
from ballast.sampling import SampledGroup, Sampling
from ballast.scoring import Scorer

PROMPT = "int size = list."
DRAW = Sampling(temperature=1, max_new_tokens=8, seed=7)


def tokens(outcomes: list[SampledGroup | ItemFailure]) -> list[list[tuple[int, ...]]]:
    """The tokens of each completion of each prompt, all of which were sampled from."""
    return [[completion.tokens for completion in group.completions] for group in outcomes if isinstance(group, SampledGroup)]


def test_the_version_is_looked_up_once_and_pinned(client: Mesh) -> None:
    rollout = Rollout(client)

    assert (rollout.model, rollout.version) == ("java-tiny", "1")
    assert len(rollout.weights_sha256) == 64


def test_each_server_may_have_an_address_of_its_own(running: Running) -> None:
    with Mesh({"policy": running.target, "reward": running.target}, token=running.token) as mesh:
        assert Rollout(mesh).version == "1"
        assert Scorer(mesh).score([PROMPT], ["size();"])


def test_a_seed_draws_the_same_again(client: Mesh) -> None:
    rollout = Rollout(client)

    assert tokens(rollout.sample([PROMPT], 3, DRAW)) == tokens(rollout.sample([PROMPT], 3, DRAW))


def test_samples_have_what_a_trainer_needs(client: Mesh) -> None:
    group = Rollout(client, "java-tiny", version="1").sample([PROMPT], 3, DRAW)[0]

    assert isinstance(group, SampledGroup)
    assert len(group.completions) == 3
    for completion in group.completions:
        assert len(completion.tokens) == len(completion.log_probs) == len(completion.sampling_log_probs) <= 8
        # at temperature 1, untruncated, the model's distribution is the one that is drawn from
        assert completion.log_probs == pytest.approx(completion.sampling_log_probs, abs=1e-3)
        assert completion.stop_reason in ("MAX_TOKENS", "END_OF_TEXT")


def test_sampled_and_teacher_forced_log_probs_agree_to_rounding(client: Mesh) -> None:
    rollout = Rollout(client)
    group = rollout.sample([PROMPT], 4, DRAW)[0]
    assert isinstance(group, SampledGroup)

    forced = rollout.log_probs([group.prompt_tokens] * 4, [c.tokens for c in group.completions], entropies=True)

    for sampled, value in zip(group.completions, forced, strict=True):
        assert isinstance(value, TokenLogProbs)
        assert value.log_probs == pytest.approx(sampled.log_probs, abs=0.05)
        assert len(value.entropies) == len(value.tokens)


def test_a_prompt_may_be_tokens(client: Mesh) -> None:
    rollout = Rollout(client)
    by_text = rollout.sample([PROMPT], 2, DRAW)
    assert isinstance(by_text[0], SampledGroup)

    assert tokens(rollout.sample([by_text[0].prompt_tokens], 2, DRAW)) == tokens(by_text)


def test_a_bad_prompt_fails_alone(client: Mesh) -> None:
    good, bad = Rollout(client).sample([PROMPT, [999_999]], 1, DRAW)

    assert isinstance(good, SampledGroup)
    assert isinstance(bad, ItemFailure) and bad.reason == "INVALID_INPUT"
    assert "999999" in bad.message.replace(",", "")


def test_options_reach_the_sampler(client: Mesh) -> None:
    group = Rollout(client).sample([PROMPT], 2, Sampling(temperature=0, regex="[a-z]{3};", max_new_tokens=16))[0]

    assert isinstance(group, SampledGroup)
    assert all(len(c.text) == 4 and c.text.endswith(";") for c in group.completions)


def test_an_option_out_of_its_range_is_named(client: Mesh) -> None:
    with pytest.raises(errors.MalformedRequest, match="temperature"):
        Rollout(client).sample([PROMPT], 1, Sampling(temperature=-1))


def test_an_unknown_version_is_named(client: Mesh) -> None:
    with pytest.raises(errors.UnknownModel, match="99"):
        Rollout(client, "java-tiny", version="99")
