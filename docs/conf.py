"""Build these pages as HTML: ``python -m sphinx -b html docs build/docs`` (extra ``docs``)."""

import pulsekit

project = "pulsekit"
author = "The pulsekit developers"
release = version = pulsekit.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
exclude_patterns = ["plots", "examples"]
autodoc_typehints = "description"
html_theme = "alabaster"
