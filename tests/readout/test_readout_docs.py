"""The page's examples run."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "readout.md"


PRINTED = ("prob_meas1_prep0", "", "", "a0  round 10 of 10")  # by each example


@pytest.mark.parametrize("number", range(len(PRINTED)))
def test_examples_run(number, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.S)
    assert len(blocks) == len(PRINTED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(blocks[number], str(PAGE), "exec"), {})
    assert PRINTED[number] in capsys.readouterr().out
