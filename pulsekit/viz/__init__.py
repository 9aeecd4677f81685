"""Show programs: a matplotlib drawing, an HTML timeline."""

from .timeline import draw_program
from .timeline_html import timeline_html

__all__ = ["draw_program", "timeline_html"]
