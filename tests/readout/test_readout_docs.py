"""The page's examples run."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "readout.md"


@pytest.mark.parametrize("number", [0, 1])
def test_examples_run(number, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.S)
    assert len(blocks) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(blocks[number], str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert ("prob_meas1_prep0" if number == 0 else "10 packets") in printed
