"""What JavaScript shares with Python is up to date: constants and golden vectors."""

import pytest

from web import constants, golden


def test_the_constants_are_pythons():
    assert constants.FILE.read_text(encoding="utf-8") == constants.module(), "run: python -m web.constants"


@pytest.mark.parametrize("name", golden.vectors())
def test_the_golden_vectors_are_what_python_answers(name: str):
    found = (golden.FOLDER / name).read_text(encoding="utf-8")
    assert found == golden.text(golden.vectors()[name]), "run: python -m web.golden"
