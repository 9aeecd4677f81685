"""One compiler pass per file."""
