"""The study `unlearn`: what a document may teach, what is guessed of it, and what is left."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

import routed_rl
from routed_envs import InputError
from routed_rl import UnlearnConfig, load_study, train_study
from routed_rl.cli.main import main
from routed_rl.studies.language.corpora import PAD, load_corpus
from routed_rl.studies.language.small_gpt import SmallGPT
from routed_rl.studies.study_state import StudyState
from routed_rl.studies.unlearn.guessing import Threshold, token_weights, word_scores
from routed_rl.studies.unlearn.removal import calibrated_loss, loss_on, scrambled, tuned
from routed_rl.studies.unlearn.unlearn_figures import area
from routed_rl.studies.unlearn.unlearn_methods import UNLEARN_METHODS
from routed_rl.studies.unlearn.unlearn_task import UnlearnTask
from routed_rl.study_configs.unlearn_config import RATES

TINY = UnlearnConfig(
    documents=300,
    steps=4,
    batch_size=8,
    width=8,
    layers=2,
    heads=2,
    hidden=12,
    part_units=4,
    warm_up=0.5,
    repair_steps=1,
    attack_samples=4,
    attack_steps=2,
    device="cpu",
)


def gradients(method: str, label: int, topics: tuple[str, ...] = ("forest",)) -> dict[str, bool]:
    """Which of a network's pieces documents of one label teach: the core, and each topic's part."""
    config = dataclasses.replace(TINY, method=method, topics=topics)
    task = UnlearnTask(config)
    state = task.start()
    tokens = task.corpus.training.tokens[:8]
    task._learn(state, tokens, torch.full((8,), label))
    down = dict(state.model.named_parameters())["blocks.0.mlp.down.weight"].grad
    assert down is not None
    first, added = config.hidden, config.part_units
    if UNLEARN_METHODS[method].parts == "experts":
        added = config.hidden
    found = {"core": bool(down[:, :first].any())}
    for number, topic in enumerate(topics):
        start = first + number * added
        found[topic] = bool(down[:, start : start + added].any())
    return found


@pytest.mark.parametrize("method", ["routed-exact", "inferred", "inferred-classifier"])
def test_labels_route_at_parameters(method: str):
    topics = ("forest", "sea")
    taught = [gradients(method, label, topics) for label in range(5)]
    assert taught == [
        {"core": False, "forest": True, "sea": False},
        {"core": False, "forest": False, "sea": True},
        {"core": True, "forest": False, "sea": False},  # Of another topic.
        {"core": True, "forest": True, "sea": True},  # No label.
        {"core": False, "forest": True, "sea": True},  # Of another topic, while the parts act.
    ]


def test_experts_are_chosen_by_labels():
    assert gradients("experts", 0) == {"core": False, "forest": True}
    assert gradients("experts", 1) == gradients("experts", 2) == {"core": True, "forest": False}


def test_published_routes_weigh_tokens_of_labelled_documents():
    task = UnlearnTask(dataclasses.replace(TINY, method="routed", topics=("forest", "sea")))
    tokens = task.corpus.training.tokens[:4]
    graded = task._graded(tokens, torch.tensor([0, 1, 2, 3]))
    rest, forest, sea = (torch.as_tensor(graded[name]) for name in ("rest", "forest", "sea"))
    assert rest.shape == (4, tokens.shape[1] - 1)
    assert (rest[2:] == 1).all()
    expected = task._weights[0][tokens[0, 1:]]
    torch.testing.assert_close(rest[0], expected)
    assert float(rest[0].min()) < 0 < float(rest[0].max())
    assert forest[:, 0].tolist() == [1, 0, 1, 1]
    assert sea[:, 0].tolist() == [0, 1, 1, 1]


def test_the_weight_of_a_token_by_hand():
    # One labelled document of tokens 1 and 2, another of 2 and 3; each was seen once more.
    tokens, labels = torch.tensor([[1, 2], [2, 3]]), torch.tensor([0, 2])
    found = token_weights(tokens, labels, 1, 4, least=-0.75)[0]
    for token, ratio in enumerate((1.0, 2.0, 1.0, 0.5)):
        kept = 1 - 1 / (1 + math.exp(-(ratio - 1 / ratio - 4)))
        assert float(found[token]) == pytest.approx(kept + (1 - kept) * -0.75, abs=1e-6)


def test_words_speak_for_a_topic_without_speaking_for_themselves(monkeypatch: pytest.MonkeyPatch):
    tokens = torch.tensor([[1, 2], [1, 3], [1, 4], [5, 6]])
    scores = word_scores(tokens, torch.tensor([0, 0, 2, 2]), 1, 7)[:, 0]
    # The first without itself: of the labelled words 1 and 3 are left, two of nine with one more of
    # each; of the others 1, 4, 5 and 6, four of eleven.
    by_hand = (math.log(2 / 9) - math.log(2 / 11) + math.log(1 / 9) - math.log(1 / 11)) / 2
    assert float(scores[0]) == pytest.approx(by_hand, abs=1e-5)
    assert scores[2] > 0 > scores[3], "one shares a word with what is labelled"
    monkeypatch.setattr("routed_rl.studies.unlearn.guessing.COUNTED", 3)
    assert torch.equal(word_scores(tokens, torch.tensor([0, 0, 2, 2]), 1, 7)[:, 0], scores)


def test_a_threshold_lies_between_what_is_labelled_and_what_is_not():
    threshold = Threshold.of(2)
    scores = torch.tensor([[4.0, 9.0], [0.0, 9.0], [1.0, 9.0], [0.5, 9.0]])
    threshold.see(scores, torch.tensor([0, 3, 3, 3]), 3)
    assert threshold.labelled[0] == 4.0
    assert threshold.others[0] == 0.5
    # Halfway is 2.25; of the second topic no label has come, so nothing is held for it.
    assert threshold.guess(torch.tensor([[2.5, 99.0], [2.0, 99.0]])).tolist() == [0, 2]
    threshold.see(scores[:1] + 1, torch.tensor([0]), 3)
    assert float(threshold.labelled[0]) == pytest.approx(0.6 * 4 + 0.4 * 5)
    # Of two topics the one that is further above its threshold.
    threshold.labelled[1], threshold.others[1] = 2.0, 0.0
    assert threshold.guess(torch.tensor([[3.0, 9.0], [9.0, 1.5]])).tolist() == [1, 0]


@pytest.mark.parametrize("forgotten", [("forest",), ("forest", "sea")])
def test_hidden_topics_change_nothing_of_the_training(forgotten: tuple[str, ...]):
    def trained(method: str, shuffled: bool) -> StudyState:
        task = UnlearnTask(dataclasses.replace(TINY, method=method, topics=forgotten))
        labels = task.labels.clone()
        if shuffled:
            hidden = (labels == task.unlabelled).nonzero()[:, 0]
            topics = task.corpus.training.topics
            topics[hidden] = topics[hidden].roll(7)
            assert torch.equal(task.labels, labels)
        state = task.start()
        for _ in range(task.updates):
            task.update(state)
        return state

    for method, row in UNLEARN_METHODS.items():
        if row.told == "the truth":
            continue
        pairs = zip(trained(method, False).weights(), trained(method, True).weights(), strict=True)
        assert all(torch.equal(*pair) for pair in pairs), method


def test_what_is_left_out():
    truth = load_corpus(TINY).training.topics == 0
    left = {}
    for method in ("everything", "filtered", "filtered-classifier", "told-everything"):
        task = UnlearnTask(dataclasses.replace(TINY, method=method))
        kept = torch.zeros(300, dtype=torch.bool)
        kept[task.kept] = True
        left[method] = float((~kept & truth).sum() / truth.sum()), float((~kept & ~truth).sum())
    assert left["everything"] == (0, 0)
    assert left["filtered"][0] == pytest.approx(0.5, abs=0.02)
    assert left["filtered"][1] == 0
    assert left["told-everything"] == (1, 0)
    assert left["filtered-classifier"][0] > 0.9
    assert left["filtered-classifier"][1] < 15


def test_what_a_classifier_holds_for_a_topic_teaches_its_part():
    task = UnlearnTask(dataclasses.replace(TINY, method="inferred-classifier"))
    assert len(task.kept) == len(task.labels), "nothing is left out"
    truth = task.corpus.training.topics == 0
    hidden = task.labels == task.unlabelled
    assert (task.classified[~hidden] == task.labels[~hidden]).all()
    guessed = task.classified[hidden] == 0
    assert float((guessed == truth[hidden]).float().mean()) > 0.9
    state = task.start()
    decided = task._decided(state, task.corpus.training.tokens, task.classified)
    mine = task.classified == 0
    assert (decided[mine] == 0).all()
    # All others run without the part, but for a tenth that teaches it to be quiet.
    kinds = {int(kind): float((decided[~mine] == kind).float().mean()) for kind in (1, 2, 3)}
    assert kinds == pytest.approx({1: 0.9, 2: 0, 3: 0.1}, abs=0.05)


def test_every_set_of_parts_meets_every_kind_of_document():
    config = dataclasses.replace(TINY, topics=("forest", "sea"), kept_on=0.25)
    task = UnlearnTask(config)
    state = task.start()
    # Of each topic, of another, without a label, and of another while parts act.
    labels = torch.arange(5).repeat(400)
    off = task._off(state, labels)
    sets = torch.stack([off["forest"], off["sea"]], 1)

    def shares(kind: int) -> dict[tuple[bool, ...], float]:
        found, counts = sets[labels == kind].unique(dim=0, return_counts=True)
        return {tuple(row.tolist()): int(n) / 400 for row, n in zip(found, counts, strict=True)}

    assert shares(0) == pytest.approx({(False, False): 1 / 2, (False, True): 1 / 2}, abs=0.08)
    assert shares(1) == pytest.approx({(False, False): 1 / 2, (True, False): 1 / 2}, abs=0.08)
    assert shares(3) == {(False, False): 1}, "whoever it is of may learn it"
    third = dict.fromkeys([(False, False), (False, True), (True, False)], 1 / 3)
    assert shares(4) == pytest.approx(third, abs=0.08)
    assert UnlearnTask(TINY)._off(state, labels) == {}, "one part needs no chance"
    # The few others that meet parts stand for all others.
    table = task.method.table(("forest", "sea"))
    assert table is not None
    assert table["other, parts on"] == {"rest": 0.0, "forest": 4.0, "sea": 4.0}
    # For each of two topics a quarter of the others run with parts on.
    others = torch.full((400,), 2)
    decided = task._decided(state, task.corpus.training.tokens[:1].expand(400, -1), others)
    assert float((decided == 4).float().mean()) == pytest.approx(1 - 0.75**2, abs=0.08)


@pytest.mark.parametrize("method", ["routed-exact", "inferred-classifier"])
def test_another_topics_part_acts_and_learns_nothing(method: str, monkeypatch: pytest.MonkeyPatch):
    task = UnlearnTask(dataclasses.replace(TINY, method=method, topics=("forest", "sea")))
    state = task.start()
    tokens, labels = task.corpus.training.tokens[:8], torch.zeros(8, dtype=torch.int64)
    losses = []
    for is_off in (False, True):
        off = {"sea": torch.full((8,), is_off)}
        monkeypatch.setattr(task, "_off", lambda *_, off=off: off)
        state.optimizer.zero_grad()
        losses.append(task._learn(state, tokens, labels).item())
        down = dict(state.model.named_parameters())["blocks.0.mlp.down.weight"].grad
        assert down is not None
        assert [bool(down[:, at].any()) for at in (slice(12), slice(12, 16), slice(16, 20))] == [
            *(False, True, False)
        ]
    assert losses[0] != losses[1]


def test_what_teaches_parts_alone_comes_beside_the_batch(monkeypatch: pytest.MonkeyPatch):
    def samples(method: str, topics: int, **changes: float) -> int:
        config = dataclasses.replace(TINY, method=method, batch_size=24, **changes)
        task = UnlearnTask(config)
        labels = torch.full((100,), task.unlabelled)
        labels[:topics] = 0
        monkeypatch.setattr(task, "classified", labels)
        return task.samples

    # 24 of others are there: all but 20 of a hundred, and of those all but a tenth.
    assert samples("routed-exact", 20) == 30
    assert samples("inferred-classifier", 20) == samples("inferred", 20) == round(24 / 0.8 / 0.9)
    assert samples("inferred-classifier", 20, kept_on=0.0) == 30
    two = dataclasses.replace(TINY, batch_size=24, topics=("forest", "sea"))
    assert UnlearnTask(two).quieting == pytest.approx(0.19), "a tenth for each topic"
    assert samples("inferred-classifier", 20, kept_on=1.0) == 48, "at most as many again"
    for method in ("everything", "filtered-classifier", "routed", "experts", "expanded"):
        assert samples(method, 20) == 24


@pytest.mark.parametrize("topics", [("forest",), ("forest", "sea")])
@pytest.mark.parametrize("method", ["inferred", "inferred-classifier", "routed"])
def test_a_resumed_run_ends_in_the_same_bits(method: str, topics: tuple[str, ...]):
    task = UnlearnTask(dataclasses.replace(TINY, method=method, topics=topics))
    whole, half = task.start(), task.start()
    for _ in range(3):
        task.update(whole)
        task.update(half)
    resumed = UnlearnTask(task.config)
    state = resumed.start()
    state.load_state_dict(half.state_dict())
    task.update(whole)
    resumed.update(state)
    assert all(torch.equal(*pair) for pair in zip(whole.weights(), state.weights(), strict=True))


def test_losses_leave_out_what_fills_up():
    network = SmallGPT(9, 6, 8, 1, 2, 4)
    tokens = torch.tensor([[1, 2, 3, PAD, PAD, PAD], [4, 5, 6, 7, PAD, PAD]])
    short = [loss_on(network, tokens[:1, :3]), loss_on(network, tokens[1:, :4])]
    assert loss_on(network, tokens) == pytest.approx((2 * short[0] + 3 * short[1]) / 5)


def test_rows_of_tokens_are_long_enough_to_be_told_apart():
    torch.manual_seed(0)
    network = SmallGPT(400, 6, 64, 1, 2, 4)
    assert network.head is not None
    assert float(network.head.weight.detach().std()) == pytest.approx(64**-0.5, rel=0.02)
    assert float(network.tokens.weight.detach().std()) == pytest.approx(0.02, rel=0.02)


def test_repair_and_attacks():
    torch.manual_seed(0)
    network = SmallGPT(9, 6, 8, 2, 2, 4)
    tokens = torch.randint(1, 9, (6, 6))
    before = loss_on(network, tokens)
    better, lowest = tuned(network, tokens, tokens, 5, 1e-2)
    assert lowest == pytest.approx(loss_on(better, tokens))
    assert lowest < before
    assert loss_on(network, tokens) == before, "the network itself stays"
    same, lowest = tuned(network, tokens, tokens, 0, 1e-2)
    assert lowest == before == loss_on(same, tokens)
    # A bias on the logits can undo what merely never says a word.
    muted = SmallGPT(9, 6, 8, 2, 2, 4)
    muted.load_state_dict(network.state_dict())
    with torch.no_grad():
        muted.norm.bias.add_(-4 * network.rows[3] / network.rows[3].norm())
    threes = torch.full((4, 6), 3)
    assert calibrated_loss(muted, threes, threes) < loss_on(muted, threes)
    generator = torch.Generator().manual_seed(0)
    spoiled = scrambled(network, tokens[:3], tokens[3:], 1e-2, 20.0, generator)
    changed = [
        name
        for (name, now), was in zip(spoiled.named_parameters(), network.parameters(), strict=True)
        if not torch.equal(now, was)
    ]
    assert changed == ["blocks.0.mlp.down.weight"]
    untouched = scrambled(network, tokens[:0], tokens, 1e-2, 20.0, generator)
    assert loss_on(untouched, tokens) == before, "without a label nothing is known to forget"
    heedless = scrambled(network, tokens[:3], tokens[3:], 1e-2, 0.0, generator)
    moved = [
        float((one.stream(tokens[3:], 1) - network.stream(tokens[3:], 1)).norm().detach())
        for one in (spoiled, heedless)
    ]
    assert moved[0] < moved[1]


def test_areas_under_curves_by_hand():
    positive = torch.tensor([True, True, False, False])
    assert area(torch.tensor([3.0, 2.0, 1.0, 0.0]), positive) == 1
    assert area(torch.tensor([1.0, 1.0, 1.0, 1.0]), positive) == 0.5
    assert area(torch.tensor([3.0, 0.0, 1.0, 2.0]), positive) == 0.5


def test_a_text_of_ones_own_is_learned_from(tmp_path: Path):
    file = tmp_path / "own.txt"
    lines = [f"the {'tree grows' if n % 3 == 0 else 'boat sails'} in year {n}" for n in range(150)]
    file.write_text("\n\n".join(lines))
    config = dataclasses.replace(
        TINY, data=str(file), topics=("tree+trees",), context=16, vocabulary=300, attack_samples=2
    )
    run = train_study(config, tmp_path / "run", progress=False)
    assert math.isfinite(run.summary["repaired"] or math.nan)
    assert load_study(run.folder).model.state_dict().keys() == run.model.state_dict().keys()
    with pytest.raises(InputError, match="has only 0 documents of fish to judge and relearn with"):
        UnlearnTask(dataclasses.replace(config, topics=("fish",)))


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="Did you mean 'forest'"):
        UnlearnTask(dataclasses.replace(TINY, topics=("forrest",)))
    with pytest.raises(InputError, match="give a multiple of heads"):
        dataclasses.replace(TINY, width=9)
    with pytest.raises(InputError, match="give each topic once"):
        dataclasses.replace(TINY, topics=("sea", "sea"))
    with pytest.raises(InputError, match="no method 'filter'"):
        UnlearnConfig(method="filter")
    for record in (UnlearnConfig, routed_rl.TrainConfig):
        with pytest.raises(InputError, match="cannot be used: give a name"):
            record(method=["filtered"])  # pyright: ignore[reportArgumentType]
    configs = routed_rl.plan({"study": "unlearn", "topics": "forest,sea", "methods": ["inferred"]})
    assert [config.to_json()["topics"] for config in configs] == [["forest", "sea"]]


def test_each_method_has_a_learning_rate_of_its_own():
    def rates(**words: Any) -> list[float]:
        methods = ["filtered", "inferred-classifier"]
        configs = routed_rl.plan({"study": "unlearn", "methods": methods, **words})
        return [config.learning_rate for config in configs if isinstance(config, UnlearnConfig)]

    assert rates() == [0.024, 0.012]
    assert rates(learning_rate=0.002) == [0.002, 0.002]
    assert rates(preset="text") == [0.003, 0.003], "searched on stories alone"
    stored = UnlearnConfig(method="filtered")
    assert UnlearnConfig.from_json(stored.to_json()) == stored
    assert UnlearnConfig.methods == tuple(RATES)


@pytest.mark.slow
def test_a_topic_is_forgotten_that_half_of_the_labels_tell_of(tmp_path: Path):
    settings = {"device": "cpu", "overlap": 0.0, "evaluate_every": 0}
    config = UnlearnConfig.from_preset("demo", method="inferred", **settings)
    run = train_study(config, tmp_path, progress=False)
    deployed, before = run.figures["deployed"], run.figures["before"]
    assert deployed["forest"] > deployed["other"] + 0.5
    assert deployed["forest"] > before["forest"] + 0.15
    assert (run.summary["effect"] or 0) > 0.95
    # What is deleted is what is switched off.
    for kind, loss in deployed.items():
        assert run.figures["profiles"]["none"][kind] == pytest.approx(loss, abs=1e-4)


@pytest.mark.slow
def test_the_users_path_to_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    values = TINY.to_json()
    names = ("documents", "steps", "batch_size", "width", "layers", "heads", "hidden", "part_units")
    names = (*names, "attack_samples", "attack_steps", "repair_steps")
    small = [word for name in names for word in ("--" + name.replace("_", "-"), str(values[name]))]
    out = tmp_path / "study"
    words = ["study", "unlearn", *small, "--methods", "filtered", "inferred", "--device", "cpu"]
    words += ["--topics", "forest,sea", "--out", str(out)]
    assert main(words) == 0
    assert "above filtered" in capsys.readouterr().out
    page = (out / "report" / "report.html").read_text()
    assert "What the deployed network still knows" in page
    assert "One network, many profiles" in page
    figures = {path.name for path in (out / "report" / "figures").iterdir()}
    assert {"known.svg", "attacked.csv", "profiles_0.png"} <= figures
    settings = (out / "report" / "figures" / "settings.csv").read_text()
    assert "deployed" not in settings.splitlines()[0], "losses are no settings"
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["planned"], len(told["kept"])) == (2, 2)
    assert {row["figure"] for row in told["figures"]} >= {"repaired", "relearned", "effect"}
