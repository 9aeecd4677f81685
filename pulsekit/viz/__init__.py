"""Show programs and running jobs: a drawing, an HTML timeline, live averages."""

from .live import LivePlot, live_signal, live_text
from .timeline import draw_program
from .timeline_html import timeline_html

__all__ = ["LivePlot", "draw_program", "live_signal", "live_text", "timeline_html"]
