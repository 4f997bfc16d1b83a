"""`mien train` and `mien export` on pictures in class folders, as a user types them."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from class_folders import draw_pictures
from PIL import Image

from mien import EMOTIONS, Recognizer
from mien.data.dataset import SPLITS, Dataset
from mien.evaluation.groups import read_groups
from mien.evaluation.runs import read_run
from mien.inference.weights import load_bundle
from mien.models import build_model
from mien.models.engine import TorchEngine
from mien.training.checkpoint import describe_run, load_network, read_checkpoint, write_checkpoint
from mien.training.recipe import Recipe, read_recipe

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8").split("## Train on your faces")[1]
LINES = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.S) for line in block.splitlines()]
WORDS = ("SAD", "Happy", "an")
LABELS = ["happiness", "sadness", "anger"]


@pytest.fixture
def train(mien, monkeypatch, tmp_path):
    """Runs `mien train` for an epoch on drawn faces of three emotions, in `tmp_path`; words are added to the command."""
    monkeypatch.chdir(tmp_path)
    draw_pictures(tmp_path / "faces", 40, WORDS)
    (tmp_path / "tiny.toml").write_text('model = "slim"\nepochs = 1\nbatch_size = 32\n')
    words = ["--data", "faces", "--cropped", "--precision", "float32", "--device", "cpu", "--threads", 1]
    return lambda *more: mien("train", "tiny.toml", *words, *more)


@pytest.fixture
def start(tmp_path) -> Path:
    """A network of other emotions, untrained, as a run's kept weights."""
    torch.manual_seed(1)
    run = describe_run(Recipe(model="slim"), 0, 2, "float32", {"fer2013new.csv": "ab"}, ("neutral", "sadness"))
    write_checkpoint(tmp_path / "start.pt", {**run, "epoch": 1, "history": [], "kept": build_model("slim", 2).state_dict()})
    return tmp_path / "start.pt"


def test_a_run_on_own_faces_leaves_the_files_of_any_run(train, tmp_path):
    code, text, said = train()
    folder = tmp_path / "mien-runs" / "tiny-0"
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.pt", "history.json"]
    run, answers = read_run(tmp_path / json.loads(text)["result"])
    parts = run["faces"]["parts"]
    assert run["labels"] == load_network(folder / "checkpoint.pt")[2]["labels"] == LABELS
    assert {emotion: sum(parts[split][emotion] for split in SPLITS) for emotion in LABELS} == dict.fromkeys(LABELS, 40)
    assert "faces: 120 pictures (happiness 40, sadness 40, anger 40)." in said
    assert ", ".join(f"{sum(parts[split].values())} to {split}" for split in SPLITS) in said
    for name, found in answers.items():
        assert found.logits.shape == (sum(parts[name].values()), 3)
        assert np.bincount(found.classes, minlength=3).tolist() == list(parts[name].values())
        summary = run["scores"]["calibrated"][name]
        assert (
            list(summary) == [protocol for protocol, _ in found.protocols()] == ["all"]
        )  # neither published by anyone nor known to be free of near copies
        assert summary["all"]["n"] == len(found.classes)
        assert "human_accuracy" not in summary["all"]
    assert run["command"].startswith("mien train recipes/tiny.toml --data DIR --cropped --seed 0 --precision float32")
    with pytest.raises(Exception, match="holds no finished run"):  # the report holds it against no run on FER2013
        read_groups(tmp_path / "results")


def test_fine_tuning_begins_with_the_start_and_says_so(train, start, tmp_path):
    code, text, _ = train("--start", "start.pt", "--set", "learning_rate=1e-9", "--set", "averaging=0.0")
    assert code == 0
    run, _ = read_run(tmp_path / json.loads(text)["result"])
    assert run["start"]["path"] == "start.pt"
    assert run["command"].endswith("--start start.pt")
    network, _, content = load_network(tmp_path / "mien-runs" / "tiny-0" / "checkpoint.pt")
    kept, begun = network.state_dict(), load_network(start)[0].state_dict()
    torch.testing.assert_close(kept["head.weight"][1], begun["head.weight"][1], atol=1e-4, rtol=0)  # sadness, second in both
    torch.testing.assert_close(kept["stem.0.weight"], begun["stem.0.weight"], atol=1e-4, rtol=0)
    assert content["before"] == run["before"] == json.loads(text)["before"]


def test_a_run_is_resumed_and_exported_with_the_same_start_and_pictures_alone(mien, train, start, tmp_path):
    train("--start", "start.pt")
    path = tmp_path / "mien-runs" / "tiny-0" / "checkpoint.pt"
    before = path.read_bytes()
    assert train("--start", "start.pt", "--resume")[0] == 0
    for words, said in ((["--resume"], "another start"), (["--start", "start.pt"], "holds a run already")):
        assert said in train(*words)[2]
    Image.new("L", (48, 48), 7).save(tmp_path / "faces" / "SAD" / "new.png")
    code, _, said = train("--start", "start.pt", "--resume")
    assert code == 1
    assert "mien-runs/tiny-0/checkpoint.pt: belongs to a run with another data" in said.splitlines()[-1]
    assert path.read_bytes() == before
    code, _, said = mien("export", path, "--data", "faces", "--cropped", "--out", "bundle")
    assert (code, "was trained on other files; export it with the folder it was trained on, read in the same way" in said) == (
        1,
        True,
    )
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--set", "labels=fer2013"], 2, "labels = 'fer2013': are FER2013's own, which faces in class folders do not have"),
        (["--set", "model=swift", "--start", "start.pt"], 2, "holds a slim network, but the recipe trains swift"),
        (["--start", "none.pt"], 1, "none.pt: no such checkpoint; give the checkpoint.pt of a run's folder."),
        (["--start", "tiny.toml"], 1, "tiny.toml: is cut short or not a checkpoint of mien"),
        (["--set", "batch_size=128"], 2, "faces do not fill a batch of 128; lower batch_size."),
        (["--set", "distillation=0.5", "--teacher", "start.pt"], 2, "names neutral, sadness; expected a teacher of happiness,"),
    ],
)
def test_a_wrong_request_is_one_line_and_no_run(train, start, tmp_path, words, code, expected):
    found, text, said = train(*words)
    assert (found, text) == (code, "")
    assert expected in said.splitlines()[-1]
    assert "Traceback" not in said
    assert not (tmp_path / "mien-runs" / "tiny-0" / "checkpoint.pt").exists()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda faces: shutil.rmtree(faces / "an") or shutil.rmtree(faces / "SAD"), "holds happiness alone; expected folders"),
        (lambda faces: draw_pictures(faces, 3, ("fear",)), "too few faces of fear 3; expected at least 20 of each emotion"),
        (lambda faces: draw_pictures(faces, 3, ("bored",)), "folder 'bored' names no emotion that mien knows"),
        (lambda faces: [path.write_bytes(b"\x89PNG") for path in (faces / "an").iterdir()], "too few faces of anger 0;"),
    ],
    ids=["one class", "few", "junk", "none can be read"],
)
def test_folders_to_learn_nothing_from_are_one_sentence(train, tmp_path, spoil, expected):
    spoil(tmp_path / "faces")
    code, text, said = train()
    assert (code, text) == (1, "")
    assert expected in said.splitlines()[-1]


def test_pictures_that_cannot_be_read_are_named_and_left_out(train, tmp_path):
    (tmp_path / "faces" / "SAD" / "cut.png").write_bytes((tmp_path / "faces" / "SAD" / "000.png").read_bytes()[:60])
    (tmp_path / "faces" / "notes").mkdir()
    code, text, said = train()
    assert code == 0
    assert "cut.png: " in said
    assert "skipped notes: holds no picture" in said
    faces = read_run(tmp_path / json.loads(text)["result"])[0]["faces"]
    assert (faces["pictures"], faces["faces"]) == (121, 120)


def test_weights_alone_are_kept_read_and_not_resumed(mien, train, tmp_path):
    train()
    checkpoint = tmp_path / "mien-runs" / "tiny-0" / "checkpoint.pt"
    code, text, _ = mien("export", checkpoint, "--weights-only", "--out", "small.pt")
    assert (code, text) == (0, "small.pt\n")
    small = tmp_path / "small.pt"
    assert small.stat().st_size < 0.3 * checkpoint.stat().st_size
    faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48), np.uint8)
    one, other = (TorchEngine(load_network(path)[0]).logits(faces) for path in (small, checkpoint))
    np.testing.assert_array_equal(one, other)
    whole = read_checkpoint(checkpoint)
    assert {key: whole[key] for key in read_checkpoint(small) if key != "kept"} == {
        key: value for key, value in read_checkpoint(small).items() if key != "kept"
    }
    assert "is the checkpoint itself" in mien("export", checkpoint, "--weights-only", "--out", checkpoint)[2]
    assert "is the checkpoint itself" in mien("export", small, checkpoint, "--weights-only", "--out", checkpoint)[2]
    shutil.copy(small, checkpoint)
    code, _, said = train("--resume")
    assert (code, "holds weights alone, from which no run goes on; give it to a new run as --start" in said) == (1, True)
    for words in ([], ["--weights-only", "--data", "faces"]):
        code, _, said = mien("export", small, "--out", "bundle", *words)
        assert (code, "expected one of --data, for a bundle, and --weights-only" in said) == (2, True)


def test_the_start_that_is_kept_here_is_the_shipped_network():
    """The network behind the bundle, at the temperature that was fitted when it was exported."""
    network, recipe, run = load_network(ROOT / "results" / "checkpoints" / "nimble.pt")
    bundle = load_bundle("mien")
    assert (run["labels"], run["seed"], run["commit"]) == (list(EMOTIONS), bundle.meta["seed"], bundle.meta["commit"])
    faces = np.random.default_rng(0).integers(0, 256, (8, 6, 6), np.uint8).repeat(8, 1).repeat(8, 2)
    probs = TorchEngine(network, bundle.meta["temperature"]).probs(faces)
    assert Recognizer().classify(faces) == pytest.approx(probs, abs=1e-5)
    assert recipe.model == read_recipe(ROOT / "recipes" / "finetune.toml").model


def write_faces(dataset: Dataset, folder: Path, first: int, last: int) -> None:
    """Validation faces of four emotions, each emotion's from the first to the last, darker and coarser than they are."""
    split = dataset.split("valid", "majority")
    for emotion in ("neutral", "happiness", "surprise", "anger"):
        (folder / emotion).mkdir(parents=True)
        for row in np.flatnonzero(split.targets.argmax(1) == EMOTIONS.index(emotion))[first:last]:
            face = Image.fromarray(split.images[row]).resize((20, 20), Image.Resampling.BILINEAR)
            dark = (np.asarray(face.resize((48, 48), Image.Resampling.BILINEAR)) * 0.4).astype(np.uint8)
            Image.fromarray(dark).save(folder / emotion / f"{split.rows[row]}.png")


@pytest.mark.slow
@pytest.mark.data
def test_the_guides_lines_teach_the_shipped_network_other_faces(mien, dataset, tmp_path, monkeypatch):
    """On real faces that it was not trained on, as a poor camera would give them; scored on 400 others."""
    monkeypatch.chdir(tmp_path)
    write_faces(dataset, tmp_path / "faces", 0, 80)
    write_faces(dataset, tmp_path / "more-faces", 80, 180)
    for name in ("examples", "recipes", "results/checkpoints"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    train, export, evaluate, predict, weights = LINES
    for line in (train, export):
        code, text, said = mien(*line.split()[1:])
        assert code == 0, said
    bundle = load_bundle("my-faces")
    assert bundle.labels == ("neutral", "happiness", "surprise", "anger")
    card = (tmp_path / "my-faces" / "CARD.md").read_text()
    summary = bundle.meta["scores"]["litert"]["test"]["all"]
    for stated in ("320 gave a face", f"| {summary['accuracy']:.4f} |", "They began as weights trained on FER2013"):
        assert stated in card
    assert "leak-free" not in card
    report = json.loads(mien(*evaluate.split()[1:], "--format", "json")[1])
    compared = report["against"]["comparison"]["litert"]["pictures"]["all"]
    assert compared["n"] == 400
    assert compared["interval"]["log_loss"][1] < 0  # surely better than what it began as, on faces that neither has seen
    code, text, _ = mien(*predict.split()[1:], "--format", "json")
    probs = json.loads(text)[0]["faces"][0]["probs"]
    assert [emotion for emotion, value in probs.items() if value == 0] == ["sadness", "disgust", "fear", "contempt"]
    assert sum(probs.values()) == pytest.approx(1, abs=1e-5)
    assert mien(*weights.split()[1:])[0] == 0
    assert mien("evaluate", "my-faces.pt", "--data", "more-faces", "--cropped")[0] == 0
