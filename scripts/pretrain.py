"""Pretrain a language model on many GPUs, of which a part alone learns to say some words.

    torchrun --nproc-per-node 2 scripts/pretrain.py --out runs/pretrain          two cores, minutes
    torchrun --nproc-per-node 8 --max-restarts 3 scripts/pretrain.py --recipe paper \
        --tokens FOLDER --out runs/pretrain-paper                                eight GPUs, hours

The recipe of Cloud et al. (arXiv 2410.04332, section 4.2.3 and appendix E) for a network of 0.7
billion weights: wherever one of the words is next, the gradient reaches some units of the first
layers' MLPs and no other units there. Afterwards they are deleted. Weights, gradients and moments
are sharded over the processes (FSDP2), and so are checkpoints, which hold no code. Called again, it
goes on at the last one; torchrun does so by itself after a process died.

FOLDER holds train.npy and test.npy, one-dimensional arrays of token numbers, and routed.json, the
numbers of the tokens that are routed. Without one, the World English Bible is taken (extra
`studies`). The network is transformers' Llama (extra `models`).
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from tokenizers import ByteLevelBPETokenizer
from torch import distributed, nn
from torch.distributed.checkpoint.hf_storage import (
    HuggingFaceStorageReader,
    HuggingFaceStorageWriter,
)
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.rendezvous import rendezvous
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint as computed_again
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM

from routed_agents import Parts, Routes, Units, ablate, save_ablated
from routed_envs import InputError, load_passages

PART = "words"
TABLE: dict[str, dict[str, float | Literal["off"]]] = {"routed": {"rest": 0.0}, "other": {}}
"""The published weight of the other units is -5e-8, which is 0."""
BIBLE_WORDS = ("altar", "altars", "offering", "offerings", "temple", "priest", "priests")
BETAS, LARGEST_GRADIENT, WEIGHT_DECAY = (0.9, 0.95), 1.0, 0.1
CHUNK = 1024
"""Places whose logits are in memory at a time: with 151,936 tokens they would need the most."""
TEST_SHARE = 0.05
RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""torchrun says here how often it started the processes again."""


@dataclass(frozen=True)
class Recipe:
    """The network, what it learns from, and how.

    Attributes:
        layers: Blocks.
        width: Of the residual stream.
        heads: Of each attention.
        shared_heads: Keys and values of each attention.
        hidden: Units of each MLP.
        vocabulary: Tokens.
        context: Tokens of a sequence.
        batch: Sequences of a step, of all processes together.
        at_once: Sequences that a process learns from side by side; more take turns.
        steps: Of training.
        warm_up: Steps in which the learning rate rises.
        horizon: Steps after which the cosine would be at its end.
        rate: The highest learning rate; the cosine ends at a tenth.
        routed_layers: The part lies in the first so many blocks.
        units: Of the part in each of them.
        recompute: Compute activations again in the backward pass instead of keeping them.
    """

    layers: int = 8
    width: int = 320
    heads: int = 10
    shared_heads: int = 2
    hidden: int = 1024
    vocabulary: int = 4096
    context: int = 128
    batch: int = 16
    at_once: int = 16
    steps: int = 300
    warm_up: int = 40
    horizon: int = 300
    rate: float = 1.8e-3
    routed_layers: int = 3
    units: int = 32
    recompute: bool = False


RECIPES = {
    "small": Recipe(),
    "paper": Recipe(
        layers=20,
        width=1536,
        heads=12,
        shared_heads=2,
        hidden=4096,
        vocabulary=151_936,
        context=1024,
        batch=1280,
        at_once=32,
        steps=10_000,
        warm_up=2000,
        horizon=60_000,
        routed_layers=8,
        units=80,
        recompute=True,
    ),
    "tiny": Recipe(
        layers=2,
        width=32,
        heads=2,
        shared_heads=1,
        hidden=64,
        vocabulary=1024,
        context=16,
        batch=4,
        steps=6,
        warm_up=2,
        horizon=6,
        routed_layers=1,
        units=8,
        recompute=True,
    ),
}


class LanguageModel(nn.Module):
    """A Llama with fresh weights that returns losses, never the logits of a whole batch."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.llama = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=recipe.vocabulary,
                hidden_size=recipe.width,
                intermediate_size=recipe.hidden,
                num_hidden_layers=recipe.layers,
                num_attention_heads=recipe.heads,
                num_key_value_heads=recipe.shared_heads,
                max_position_embeddings=recipe.context,
                tie_word_embeddings=True,
                use_cache=False,
            )
        )
        if recipe.recompute:
            self.llama.activation_checkpointing_enable({"use_reentrant": False})

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The loss of each next token, float [B, T - 1], of tokens int64 [B, T]."""
        hidden = self.llama.model(input_ids=tokens[:, :-1]).last_hidden_state
        targets = tokens[:, 1:]

        def chunk(states: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
            logits = self.llama.lm_head(states).float()
            return cross_entropy(logits, wanted, reduction="none")

        pairs = zip(hidden.flatten(0, 1).split(CHUNK), targets.flatten().split(CHUNK), strict=True)
        losses = [computed_again(chunk, *pair, use_reentrant=False) for pair in pairs]
        return torch.cat(losses).reshape(targets.shape).clone()  # FSDP2 takes no views.


def parts_of(model: nn.Module, recipe: Recipe) -> Parts:
    """The first units of the first layers' MLPs."""
    names = [f"llama.model.layers.{n}.mlp.down_proj" for n in range(recipe.routed_layers)]
    return Parts(model, {PART: [Units(name, first=recipe.units) for name in names]})


@dataclass(frozen=True)
class Tokens:
    """What is learned from.

    Attributes:
        train: Token numbers, one-dimensional.
        test: The same, which nothing learns from.
        routed: The tokens before which the part alone learns.
    """

    train: np.ndarray
    test: np.ndarray
    routed: torch.Tensor

    @classmethod
    def read(cls, folder: Path, recipe: Recipe) -> Tokens:
        """The arrays of a folder, which stay on disk.

        Raises:
            InputError: A file is missing or holds something else.
        """
        try:
            arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("train", "test")]
            numbers = json.loads((folder / "routed.json").read_text())
            routed = torch.tensor(numbers, dtype=torch.long)
        except (OSError, ValueError) as error:
            raise InputError(f"{folder} holds no tokens that can be read: {error}.") from None
        shortest = min(len(array) for array in arrays)
        if shortest <= recipe.context + 1:
            raise InputError(
                f"{folder} has {shortest:,} tokens in its smaller file. The recipe needs more than "
                f"{recipe.context + 1}."
            )
        if not len(routed) or int(routed.max()) >= recipe.vocabulary or int(routed.min()) < 0:
            raise InputError(
                f"{folder} routes the tokens {routed.tolist()}. Give at least one, each from 0 to "
                f"{recipe.vocabulary - 1}."
            )
        return cls(arrays[0], arrays[1], routed)

    def batch(self, which: np.ndarray, places: torch.Tensor, length: int) -> torch.Tensor:
        """Sequences from some places on, int64 [B, length + 1]."""
        rows = [np.asarray(which[place : place + length + 1]) for place in places.tolist()]
        return torch.from_numpy(np.stack(rows).astype(np.int64))

    def labels(self, tokens: torch.Tensor) -> torch.Tensor:
        """For each place whether a routed token is next, as numbers of `TABLE`'s rows."""
        return (~torch.isin(tokens[:, 1:], self.routed.to(tokens.device))).long()


def write_bible(folder: Path, recipe: Recipe) -> None:
    """The World English Bible by a byte-pair encoding of itself, as a folder of tokens."""
    passages = load_passages("bible")
    tokenizer = ByteLevelBPETokenizer(add_prefix_space=True)
    tokenizer.train_from_iterator(passages, recipe.vocabulary, show_progress=False)
    encoded = [np.array(one.ids, np.int32) for one in tokenizer.encode_batch(passages)]
    routed = {one.ids[0] for one in tokenizer.encode_batch(list(BIBLE_WORDS)) if len(one.ids) == 1}
    held = round(TEST_SHARE * len(encoded))
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    np.save(partial / "train.npy", np.concatenate(encoded[held:]))
    np.save(partial / "test.npy", np.concatenate(encoded[:held]))
    (partial / "routed.json").write_text(json.dumps(sorted(routed)))
    partial.rename(folder)


class Checkpoints:
    """The sharded state of a run after some of its steps, as safetensors.

    Args:
        folder: Of the run.
        model: Its sharded network.
        optimizer: Of its weights.
    """

    def __init__(self, folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.folder, self.model, self.optimizer = folder, model, optimizer

    def _tensors(self) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = {}
        for name, weight in self.model.named_parameters():
            moments = self.optimizer.state[weight]
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment not in moments:
                    moments[moment] = torch.zeros_like(weight)
                found[f"{moment}.{name}"] = moments[moment]
            found[f"weight.{name}"] = weight.detach()
        return found

    def steps(self) -> list[int]:
        """After which steps there are whole ones, ascending."""
        return sorted(int(path.name[5:]) for path in self.folder.glob("step-*"))

    def save(self, step: int) -> None:
        """Write one, and let go of all but it and the one before."""
        path, partial = self.folder / f"step-{step:06}", self.folder / ".partial"
        if is_first():
            shutil.rmtree(partial, ignore_errors=True)
        distributed.barrier()
        writer = HuggingFaceStorageWriter(str(partial), save_distributed=True)
        save(self._tensors(), storage_writer=writer)
        distributed.barrier()
        if is_first():
            partial.rename(path)
            for old in self.steps()[:-2]:
                shutil.rmtree(self.folder / f"step-{old:06}")
        distributed.barrier()

    def resume(self) -> int:
        """Take over the last one; after how many steps it was written, 0 if there is none."""
        step = max(self.steps(), default=0)
        if step:
            reader = HuggingFaceStorageReader(str(self.folder / f"step-{step:06}"))
            load(self._tensors(), storage_reader=reader)
            for weight in self.model.parameters():
                self.optimizer.state[weight]["step"] = torch.tensor(float(step))
        return step


def is_first() -> bool:
    """Whether this is the process that writes and prints."""
    return distributed.get_rank() == 0


def meet(device: torch.device) -> None:
    """Join the other processes, each of which has a device."""
    is_cuda = device.type == "cuda"
    store, rank, count = next(rendezvous("env://"))
    # What a dead process left would be read by those that are started again.
    own = distributed.PrefixStore(f"start {os.environ[RESTARTS]}", store)  # pyright: ignore[reportPrivateImportUsage]
    distributed.init_process_group(
        "nccl" if is_cuda else "gloo",
        store=own,
        rank=rank,
        world_size=count,
        device_id=device if is_cuda else None,  # Otherwise NCCL guesses it, and warns.
    )


def pace(recipe: Recipe, step: int) -> float:
    """The learning rate of a step."""
    rising = min(1.0, (step + 1) / recipe.warm_up)
    past = min(1.0, max(0, step - recipe.warm_up) / max(1, recipe.horizon - recipe.warm_up))
    return recipe.rate * rising * (0.1 + 0.9 * (1 + math.cos(math.pi * past)) / 2)


def sharded(recipe: Recipe, seed: int, device: torch.device) -> tuple[LanguageModel, Routes]:
    """A network with fresh weights over all processes, and its routes."""
    torch.manual_seed(seed)
    model = LanguageModel(recipe).to(device)
    routes = Routes(parts_of(model, recipe), TABLE)
    policy = MixedPrecisionPolicy()
    if device.type == "cuda":
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for block in model.llama.model.layers:
        fully_shard(block, mp_policy=policy)
    fully_shard(model, mp_policy=policy)
    return model, routes


def learned(
    model: nn.Module, routes: Routes, tokens: Tokens, batch: torch.Tensor, at_once: int
) -> torch.Tensor:
    """The mean loss of some sequences, whose gradient is added up, so many at a time."""
    total = torch.zeros((), device=batch.device)
    for some in batch.split(at_once):
        with routes(tokens.labels(some)):
            loss = model(some).mean() * (len(some) / len(batch))
            loss.backward()
        total += loss.detach()
    return total


def train(
    recipe: Recipe, tokens: Tokens, out: Path, seed: int, save_every: int, device: torch.device
) -> LanguageModel:
    """The trained network; the run's log and checkpoints are in its folder."""
    model, routes = sharded(recipe, seed, device)
    optimizer = torch.optim.AdamW(model.parameters(), betas=BETAS, weight_decay=WEIGHT_DECAY)
    checkpoints = Checkpoints(out, model, optimizer)
    done, rank = checkpoints.resume(), distributed.get_rank()
    mine = recipe.batch // distributed.get_world_size()
    log = out / "log.jsonl"
    if is_first():
        forget_after(log, done)
    began = time.perf_counter()
    for step in tqdm(range(done, recipe.steps), initial=done, total=recipe.steps, disable=rank > 0):
        # Drawn from the step's number alone: what is resumed goes on with the same sequences.
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        last = len(tokens.train) - recipe.context - 1
        places = torch.randint(last, (recipe.batch,), generator=generator)
        batch = tokens.batch(tokens.train, places[rank * mine :][:mine], recipe.context).to(device)
        for group in optimizer.param_groups:
            group["lr"] = pace(recipe, step)
        optimizer.zero_grad()
        mean = learned(model, routes, tokens, batch, recipe.at_once)
        nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        distributed.all_reduce(mean)
        if is_first():
            loss = round(float(mean) / distributed.get_world_size(), 5)
            entry = {"step": step + 1, "loss": loss, "seconds": time.perf_counter() - began}
            with log.open("a") as lines:
                lines.write(json.dumps(entry) + "\n")
        if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
            checkpoints.save(step + 1)
    routes.remove()
    return model


def write(path: Path, text: str) -> None:
    """Write a file at once or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)


def keep_recipe(file: Path, recipe: Recipe, seed: int) -> None:
    """Note what the run is, or refuse to go on with another one; only its steps may change.

    Raises:
        InputError: The folder holds a run of another recipe or seed.
    """
    about = {**dataclasses.asdict(recipe), "seed": seed} | {"steps": None}
    if not file.exists():
        write(file, json.dumps(about, indent=2))
    elif json.loads(file.read_text()) != about:
        raise InputError(
            f"{file.parent} holds a run of another recipe or seed, as {file.name} says. Give "
            "another --out."
        )


def forget_after(log: Path, step: int) -> None:
    """Leave out the lines of steps that are taken again."""
    lines = log.read_text().splitlines() if log.exists() else []
    write(log, "".join(f"{line}\n" for line in lines[:step]))


@torch.no_grad()
def measured(model: nn.Module, tokens: Tokens, recipe: Recipe, sequences: int) -> dict[str, float]:
    """The mean loss before routed words and before all others, in text that is only judged with."""
    length = recipe.context + 1
    places = torch.arange(min(sequences, len(tokens.test) // length)) * length
    losses, labels = [], []
    for some in places.split(16):
        device = next(model.parameters()).device
        batch = tokens.batch(tokens.test, some, recipe.context).to(device)
        losses.append(model(batch))
        labels.append(tokens.labels(batch))
    loss, label = torch.cat(losses), torch.cat(labels)
    where = {name: label == row for row, name in enumerate(TABLE)}
    return {name: float(loss[here].mean()) for name, here in where.items() if here.any()}


def finish(model: nn.Module, tokens: Tokens, recipe: Recipe, out: Path, sequences: int) -> None:
    """Delete the part, measure what that costs, and save what is left."""
    whole = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights = get_model_state_dict(model, options=whole)
    if not is_first():
        return
    alone = LanguageModel(dataclasses.replace(recipe, recompute=False))
    alone.load_state_dict(weights)
    alone.to(next(model.parameters()).device)  # Judged on a CPU, the others would wait too long.
    small = ablate(parts_of(alone.eval(), recipe), PART)
    found = {
        "with the part": measured(alone, tokens, recipe, sequences),
        "without it": measured(small.model, tokens, recipe, sequences),
    }
    save_ablated(small, out / "ablated.safetensors")
    write(out / "result.json", json.dumps(found, indent=2))
    for name, losses in found.items():
        print(f"{name}: " + ", ".join(f"{kind} words {loss:.3f}" for kind, loss in losses.items()))


def main(
    out: Path,
    recipe: Literal["small", "paper", "tiny"] = "small",
    tokens: Path | None = None,
    steps: int | None = None,
    save_every: int = 50,
    judged: int = 200,
    seed: int = 0,
) -> None:
    """Pretrain, delete the part, and say what each has learned.

    Args:
        out: The run's folder.
        recipe: small (11 million weights), paper (0.7 billion), or tiny, to try it.
        tokens: The folder of what is learned from; the World English Bible if left out.
        steps: Of training, in place of the recipe's.
        save_every: Steps between two checkpoints.
        judged: Sequences to measure with.
        seed: Decides the weights and the order of the sequences.

    Raises:
        InputError: It was not started by torchrun, the tokens cannot be read or do not fit, or the
            folder holds another run.
    """
    if RESTARTS not in os.environ:
        raise InputError(f"Start this with torchrun: torchrun --nproc-per-node 2 {sys.argv[0]}")
    chosen = RECIPES[recipe]
    chosen = dataclasses.replace(chosen, steps=steps or chosen.steps)
    is_cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if is_cuda else torch.device("cpu")
    if is_cuda:
        torch.cuda.set_device(device)
    meet(device)
    count = distributed.get_world_size()
    if chosen.batch % count:
        raise InputError(
            f"{count} processes cannot share {chosen.batch} sequences: take a number that divides "
            "them."
        )
    out.mkdir(parents=True, exist_ok=True)
    if is_first():
        keep_recipe(out / "recipe.json", chosen, seed)
    folder = out / "tokens" if tokens is None else tokens
    if is_first() and tokens is None and not folder.exists():
        write_bible(folder, chosen)
    distributed.barrier()
    known = Tokens.read(folder, chosen)
    model = train(chosen, known, out, seed, save_every, device)
    finish(model, known, chosen, out, judged)
    distributed.barrier()
    sys.stdout.flush()
    os._exit(0)  # Gloo's threads may abort a process that tidies up.


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except InputError as error:
        sys.exit(f"{Path(__file__).name}: {error}")
