"""Trains with TRL's GRPOTrainer, some steps at a time: a line of JSON in, a line of JSON out.

usage: trl_peer.py FOLDER WORK
"""

import json
import os
import sys
import time

# what the libraries print would otherwise stand among the answers
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(answer):
    print(json.dumps(answer), file=answers, flush=True)


def main():
    folder, work = sys.argv[1], sys.argv[2]
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    try:
        import datasets
        import torch
        import transformers
        import trl
    except ImportError as e:
        say({"absent": str(e.name)})
        return
    say({"ready": f"TRL {trl.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"})
    question = json.loads(sys.stdin.readline())
    tokens = 0

    def length(completions, completion_ids, **kwargs):
        """0 for one character, in a line to -1 at 512, as the mesh's composite has it."""
        nonlocal tokens
        end = tokenizer.eos_token_id  # TRL counts the token that ends a text, the mesh does not
        tokens += sum(len(ids) - ids.count(end) for ids in completion_ids)
        return [-min(1.0, max(0.0, (len(text) - 1) / 511)) for text in completions]

    class Turns(transformers.TrainerCallback):
        """Waits for a question, trains for so many steps, answers, and waits for the next."""

        def __init__(self):
            self.left = 0

        def next(self, control):
            nonlocal tokens
            line = sys.stdin.readline()
            if not line:
                control.should_training_stop = True
                return
            asked = json.loads(line)
            self.left = asked["steps"]
            torch.set_num_threads(asked["threads"])
            tokens = 0
            self.start = time.perf_counter()

        def on_train_begin(self, args, state, control, **kwargs):
            say({"prepared": True})
            self.next(control)

        def on_step_end(self, args, state, control, **kwargs):
            self.left -= 1
            if self.left == 0:
                say({"seconds": time.perf_counter() - self.start, "tokens": tokens})
                self.next(control)

    prompts, group = question["prompts"], question["group"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, pad_token="<|endoftext|>")
    trainer = trl.GRPOTrainer(
        model=transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32"),
        processing_class=tokenizer,
        reward_funcs=length,
        train_dataset=datasets.Dataset.from_dict({"prompt": prompts}),
        args=trl.GRPOConfig(
            output_dir=work,
            use_cpu=True,
            seed=7,
            max_steps=1_000_000,
            learning_rate=question["learning_rate"],
            lr_scheduler_type="constant",
            per_device_train_batch_size=group * question["prompts_per_step"],
            num_generations=group,
            max_completion_length=question["new_tokens"],
            temperature=1.0,
            beta=0.0,
            bf16=False,
            gradient_checkpointing=False,
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        callbacks=[Turns()],
    )
    trainer.train()


main()
