"""Run the examples of the documentation, and hold it to the code."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from pulsekit.backend.parameters import OWN_OPTIONS, RUN_PARAMETERS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["run.md", "jobs.md"])
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.setenv("PULSEKIT_HOME", str(tmp_path))
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.S)
    assert len(blocks) >= 5
    names: dict = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in blocks:
            exec(compile(block, page, "exec"), names)


def test_run_md_has_every_parameter_in_the_documents_order():
    text = (DOCS / "run.md").read_text()
    headings = " ".join(re.findall(r"^## (.*)$", text, re.M))
    places = [headings.find(p.name) for p in RUN_PARAMETERS]
    assert -1 not in places
    in_order = [p.name for p in sorted(RUN_PARAMETERS, key=lambda p: headings.find(p.name))]
    reference = [p.name for p in RUN_PARAMETERS]
    assert [n for n in in_order if n not in ("rep_delay",)] == [n for n in reference if n not in ("rep_delay",)]
    for option in OWN_OPTIONS:
        assert f"`{option.name}`" in text
