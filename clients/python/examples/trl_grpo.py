"""TRL's GRPOTrainer with rewards from a mesh, on the small Java model of this repository, with a CPU.

python trl_grpo.py [HOST:PORT [STEPS]]
"""

import sys
import tempfile
from pathlib import Path

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from ballast import Mesh
from ballast.trl import BallastReward

MODEL = Path(__file__).resolve().parents[3] / "models" / "java-tiny" / "1"
PROMPTS = ["int size = list.", "if (name == ", "return new ", "for (String line : "]

target = sys.argv[1] if len(sys.argv) > 1 else None
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 10

with Mesh(target) as mesh, tempfile.TemporaryDirectory() as output:
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(MODEL, dtype="float32"),
        processing_class=AutoTokenizer.from_pretrained(MODEL, pad_token="<|endoftext|>"),
        reward_funcs=BallastReward(mesh, truncation="keep_last"),
        train_dataset=Dataset.from_dict({"prompt": PROMPTS * steps}),
        args=GRPOConfig(
            output_dir=output,
            use_cpu=True,
            seed=7,
            max_steps=steps,
            learning_rate=1e-4,
            per_device_train_batch_size=16,
            num_generations=8,
            max_completion_length=12,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
        ),
    )
    trainer.train()
    for log in trainer.state.log_history:
        if "reward" in log:
            print(f"step {log['step']}: reward {log['reward']:+.3f}, spread {log['ballast/spread']:.3f}, failed {log['ballast/failed']:.0%}")
