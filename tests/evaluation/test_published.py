"""What others state: that it can be retraced by the recipes that are there, and stands as the README's table has it."""

from pathlib import Path

import pytest

from mien.evaluation.published import read_published
from mien.models import MODELS
from mien.training.recipe import BALANCES, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
PUBLISHED = read_published()


@pytest.mark.parametrize("paper", PUBLISHED.papers, ids=lambda paper: paper.recipe)
def test_a_papers_recipe_is_of_its_network_and_plans_as_many_epochs(paper):
    assert paper.network in MODELS
    recipe = read_recipe(RECIPES / f"{paper.recipe}.toml")
    assert (recipe.model, recipe.labels, recipe.epochs) == (paper.network, paper.labels, paper.epochs)


def test_what_is_compared_at_equal_budget_exists():
    assert set(PUBLISHED.networks) <= set(MODELS)
    assert set(PUBLISHED.balances) == set(BALANCES) - {"none"}
    assert read_recipe(RECIPES / "equal.toml").epochs == PUBLISHED.equal_epochs


def test_the_seeds_rows_are_those_that_must_be_matched():
    rows = {paper.labels: paper for paper in PUBLISHED.papers if paper.network == "compact"}
    stated = {labels: (p.accuracy, p.accuracy_sd, p.loss, p.loss_sd, p.best, p.best_loss) for labels, p in rows.items()}
    assert stated == {
        "distribution": (0.8704, 0.0040, 0.3679, 0.0054, 0.8766, 0.3629),
        "majority": (0.8656, 0.0024, 0.4152, 0.0036, 0.8687, 0.4135),
        "fer2013": (0.6857, 0.0065, 0.8820, 0.0119, 0.6945, 0.8673),
    }
    assert {(p.runs, p.parameters) for p in rows.values()} == {(5, 171_137)}
