"""Turn gates into pulse programs: a pass manager and its passes."""
