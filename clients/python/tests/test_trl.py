"""TRL's GRPOTrainer, a real one on the CPU, learns from the rewards of a real mesh."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas
import pytest
import torch
from conftest import ROOT
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from ballast import AllItemsFailed, Mesh
from ballast.trl import BallastReward

MODEL = ROOT / "models" / "java-tiny" / "1"
PROMPTS = ["int size = list.", "return new "]
# more tokens than the reward models see, and less than the policy's context
TOO_LONG = "int a = 0; " * 30


def trainer(output: Path, reward: BallastReward, prompts: list[Any], steps: int = 2, **arguments: Any) -> GRPOTrainer:
    """A trainer of the small Java model: two groups of four a step."""
    tokenizer = AutoTokenizer.from_pretrained(MODEL, pad_token="<|endoftext|>")
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    return GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(MODEL, dtype="float32"),
        processing_class=tokenizer,
        reward_funcs=reward,
        train_dataset=Dataset.from_dict({"prompt": prompts * steps}),
        args=GRPOConfig(
            output_dir=str(output),
            use_cpu=True,
            seed=7,
            max_steps=steps,
            learning_rate=1e-3,
            per_device_train_batch_size=4 * len(prompts),
            num_generations=4,
            max_completion_length=8,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            **arguments,
        ),
    )


def logs(trained: GRPOTrainer) -> list[dict[str, Any]]:
    """What was logged of each step."""
    return [log for log in trained.state.log_history if "reward" in log]


def test_two_steps_log_finite_rewards_and_the_spread(client: Mesh, tmp_path: Path) -> None:
    training = trainer(tmp_path, BallastReward(client, truncation="keep_last"), PROMPTS, log_completions=True)
    before = [parameter.detach().clone() for parameter in training.model.parameters()]

    training.train()

    assert [log["step"] for log in logs(training)] == [1, 2]
    for log in logs(training):
        assert math.isfinite(log["reward"]) and log["rewards/ballast/mean"] == log["reward"]
        assert log["ballast/spread"] > 0
        assert log["ballast/failed"] == 0
    assert any(not torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True))
    table = pandas.read_parquet(tmp_path / "completions" / "completions_00001.parquet")
    assert table["ballast_spread"].mean() == pytest.approx(logs(training)[0]["ballast/spread"])
    # what TRL was given is what the mesh gives for its texts
    assert BallastReward(client)(list(table["prompt"]), list(table["completion"])) == pytest.approx(list(table["ballast"]), abs=1e-5)


def test_a_group_without_rewards_is_left_out_and_named(client: Mesh, tmp_path: Path) -> None:
    training = trainer(tmp_path, BallastReward(client), [PROMPTS[0], TOO_LONG], log_completions=True)

    training.train()

    for log in logs(training):
        assert log["ballast/failed"] == 0.5
        assert math.isfinite(log["reward"]) and math.isfinite(log["loss"])
    table = pandas.read_parquet(tmp_path / "completions" / "completions_00001.parquet")
    failed = table[table["prompt"] == TOO_LONG]
    assert failed["ballast"].isna().all() and (failed["advantage"] == 0).all()
    assert failed["ballast_failure"].str.startswith("TOO_LONG: ").all()
    assert table[table["prompt"] == PROMPTS[0]]["ballast"].notna().all()


def test_training_stops_where_nothing_has_a_reward(client: Mesh, tmp_path: Path) -> None:
    with pytest.raises(AllItemsFailed, match=r"all 4 items failed \(TOO_LONG\); the first: items\[0\]\.prompt: "):
        trainer(tmp_path, BallastReward(client), [TOO_LONG], steps=1).train()


def test_conversations_are_trained_on(client: Mesh, tmp_path: Path) -> None:
    prompts = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    training = trainer(tmp_path, BallastReward(client, truncation="keep_last"), prompts, steps=1)

    training.train()

    assert math.isfinite(logs(training)[0]["reward"])
    assert logs(training)[0]["ballast/failed"] == 0
