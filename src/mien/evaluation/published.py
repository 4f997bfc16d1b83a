"""What others state, beside which mien's runs are set, and what there is to run: published.toml as data."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FILE = "published.toml"


@dataclass(frozen=True)
class Paper:
    """One training as its authors state it. recipe: the one of mien that retraces it, planned for `epochs`.

    accuracy and loss (log loss, nats): means over `runs` where there were several; best: of these, with its own loss.
    faces: how many it was scored on, where that is known.
    """

    network: str
    labels: str
    parameters: int
    recipe: str
    source: str
    epochs: int | None = None
    runs: int | None = None
    faces: int | None = None
    accuracy: float | None = None
    accuracy_sd: float | None = None
    loss: float | None = None
    loss_sd: float | None = None
    best: float | None = None
    best_loss: float | None = None
    best_leak_free: float | None = None


@dataclass(frozen=True)
class Peer:
    """An installed package, as measured on FER+'s 3,153 test faces and on FER2013's 3,589.

    time: of one face, against the seed's network.
    """

    name: str
    accuracy: float
    fer2013: float
    time: float
    parameters: int | None = None


@dataclass(frozen=True)
class Published:
    """papers and peers; and what is compared at equal budget: networks, label modes and balances, by `equal_epochs`."""

    papers: tuple[Paper, ...]
    peers: tuple[Peer, ...]
    networks: tuple[str, ...]
    label_modes: tuple[str, ...]
    balances: tuple[str, ...]
    equal_epochs: int

    def epochs(self, recipe: str) -> int | None:
        """For how many epochs a recipe of this name is planned, where that is stated."""
        if recipe.startswith("equal-"):
            return self.equal_epochs
        return next((paper.epochs for paper in self.papers if paper.recipe == recipe), None)


@cache
def read_published() -> Published:
    content = tomllib.loads(files("mien.evaluation").joinpath(FILE).read_text(encoding="utf-8"))
    papers = tuple(Paper(**paper) for paper in content.pop("papers"))
    peers = tuple(Peer(**peer) for peer in content.pop("peers"))
    networks, label_modes, balances = (tuple(content[key]) for key in ("networks", "label_modes", "balances"))
    return Published(papers, peers, networks, label_modes, balances, content["equal_epochs"])
