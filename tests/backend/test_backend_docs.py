"""Hold the page on run() to the code."""

from __future__ import annotations

from pathlib import Path

from pulsekit.backend.parameters import OWN_OPTIONS, RUN_PARAMETERS

DOCS = Path(__file__).parents[2] / "docs"


def test_run_md_has_a_section_per_parameter_in_the_documents_order():
    text = (DOCS / "run.md").read_text()
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    names = [p.name for p in RUN_PARAMETERS]
    assert [h for h in sections if h in names] == names
    for name in names:
        assert all(word in sections[name] for word in ("*Default:*", "*Errors:*", "```python")), name
    for option in OWN_OPTIONS:
        assert f"`{option.name}`" in sections["Other keywords"]
