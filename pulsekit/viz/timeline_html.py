"""Write a program as one HTML page: a timeline to zoom, hover and search."""

from __future__ import annotations

import html
import json
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..program import Op, Program
from .lanes import COLORS, FRAME_OPS, describe_row, envelope, lanes_of

__all__ = ["timeline_html"]

LANE = 44  # px
HALF = 19  # px: the height of the largest amplitude of a lane

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 13px system-ui, sans-serif; margin: 16px; color: #222; background: #fff; }}
h1 {{ font-size: 16px; margin: 0 0 4px; }} p {{ margin: 0 0 8px; color: #666; }}
#chart {{ display: flex; border: 1px solid #ddd; }} #names {{ flex: none; padding: 0 8px; text-align: right; }}
#names div {{ height: {lane}px; line-height: {lane}px; }}
svg {{ flex: 1; min-width: 0; touch-action: none; cursor: grab; }}
svg .lane {{ stroke: #e4e4e4; }} svg .e:hover {{ opacity: 0.6; stroke: #000; }} .dim {{ opacity: 0.12; }}
#tip {{ position: fixed; display: none; white-space: pre; background: #222; color: #fff; padding: 6px 8px;
 border-radius: 4px; pointer-events: none; z-index: 2; font: 12px ui-monospace, monospace; max-width: 90vw; }}
</style></head><body><h1>{title}</h1>
<p>{facts}. Wheel zooms, dragging moves, double click shows all. <label>Highlight:
<input id="find" placeholder="sx, q 3, a calibration"></label></p>
<div id="chart"><div id="names">{names}</div>
<svg id="svg" height="{height}" viewBox="0 0 {width} {height}" preserveAspectRatio="none">{body}</svg></div>
<div id="tip"></div><script>
const tips = {tips}, full = [0, {width}], svg = document.getElementById("svg"), tip = document.getElementById("tip");
let view = full.slice(), drag = null;
const show = () => svg.setAttribute("viewBox", view[0] + " 0 " + (view[1] - view[0]) + " {height}");
const at = x => {{ const b = svg.getBoundingClientRect();
  return view[0] + (x - b.left) / b.width * (view[1] - view[0]); }};
svg.addEventListener("wheel", e => {{ e.preventDefault(); const c = at(e.clientX), k = e.deltaY > 0 ? 1.25 : 0.8;
  view = [Math.max(full[0], c - (c - view[0]) * k),
    Math.min(full[1], c + (view[1] - c) * k)]; show(); }}, {{passive: false}});
svg.addEventListener("pointerdown", e => {{ drag = at(e.clientX); }});
addEventListener("pointerup", () => {{ drag = null; }});
svg.addEventListener("dblclick", () => {{ view = full.slice(); show(); }});
svg.addEventListener("pointermove", e => {{
  if (drag !== null) {{ const d = drag - at(e.clientX), w = view[1] - view[0];
    const lo = Math.min(Math.max(view[0] + d, full[0]), full[1] - w); view = [lo, lo + w]; show(); }}
  const i = e.target.dataset ? e.target.dataset.i : undefined;
  tip.style.display = i === undefined ? "none" : "block";
  if (i !== undefined) {{ tip.textContent = tips[i]; const b = tip.getBoundingClientRect();
    tip.style.left = Math.min(e.clientX + 14, innerWidth - b.width - 8) + "px";
    tip.style.top = Math.min(e.clientY + 14, innerHeight - b.height - 8) + "px"; }} }});
svg.addEventListener("pointerleave", () => {{ tip.style.display = "none"; }});
document.getElementById("find").addEventListener("input", e => {{ const word = e.target.value.toLowerCase();
  svg.querySelectorAll(".e").forEach(n =>
    n.classList.toggle("dim", !tips[n.dataset.i].toLowerCase().includes(word))); }});
</script></body></html>
"""


def timeline_html(program: Program, channels: Optional[Sequence[Any]] = None, *, dt: Optional[float] = None) -> str:
    """Return a self-contained HTML page that shows a program.

    Hovering an event tells its channel, times, pulse, amplitude, phase or
    frequency, and the instruction and calibration that it came from. Nothing
    is loaded from elsewhere.

    Args:
        program: what to show.
        channels: which, top to bottom ("d0", or channel objects); None: all.
        dt: sample time in s, to show ns beside samples.
    """
    lanes = lanes_of(program, channels)
    tips: List[str] = []
    parts: List[str] = []
    for lane, (channel, rows) in enumerate(lanes.items()):
        y = lane * LANE + LANE / 2
        parts.append(f'<line class="lane" x1="0" x2="{max(program.duration, 1)}" y1="{y}" y2="{y}"/>')
        parts += _lane(program, rows, y, COLORS[channel.kind], tips, dt)
    facts = f"{len(program.events)} events, {program.duration} samples"
    if dt is not None:
        facts += f", {program.duration * dt * 1e6:.3f} µs"
    return _PAGE.format(
        title=html.escape(program.name or "program"),
        facts=facts,
        names="".join(f"<div>{c.name}</div>" for c in lanes),
        lane=LANE,
        width=max(program.duration, 1),
        height=max(len(lanes), 1) * LANE,
        body="".join(parts),
        tips=json.dumps(tips).replace("<", "\\u003c"),
    )


def _lane(program: Program, rows: np.ndarray, y: float, color: str, tips: List[str], dt: Optional[float]) -> List[str]:
    e = program.events
    shapes: Dict[Tuple[int, float, float], Tuple[np.ndarray, np.ndarray]] = {}
    plays = [int(r) for r in rows if e.op[r] == Op.PLAY]
    for row in plays:
        shapes.setdefault(_key(program, row), envelope(program, row, points=80))
    peak = max((float(np.abs(v).max()) for _, v in shapes.values() if v.size), default=0.0) or 1.0
    out: List[str] = []
    for row in rows.tolist():
        op, t0, duration = Op(int(e.op[row])), int(e.t0[row]), int(e.duration[row])
        if op == Op.DELAY:
            continue
        mark = f'class="e" data-i="{len(tips)}"'
        tips.append("\n".join(describe_row(program, row, dt)))
        if op == Op.PLAY:
            t, values = shapes[_key(program, row)]
            path = _path(t + t0, y - np.abs(values) * HALF / peak, y, t0, t0 + duration)
            out.append(f'<path {mark} d="{path}" fill="{color}" fill-opacity="0.45"/>')
        elif op in FRAME_OPS:
            out.append(
                f'<line {mark} x1="{t0}" x2="{t0}" y1="{y + 3}" y2="{y + HALF}" stroke="{color}" stroke-width="5" '
                'vector-effect="non-scaling-stroke"/>'
            )
        else:
            dash = "" if op == Op.ACQUIRE else ' stroke-dasharray="4 3"'
            out.append(
                f'<rect {mark} x="{t0}" y="{y - HALF}" width="{duration}" height="{2 * HALF}" fill="{color}" '
                f'fill-opacity="0.15" stroke="{color}" vector-effect="non-scaling-stroke"{dash}/>'
            )
    return out


def _key(program: Program, row: int) -> Tuple[int, float, float]:
    e = program.events
    return int(e.ref[row]), float(e.value[row]), float(e.angle[row])


def _path(t: np.ndarray, height: np.ndarray, y: float, start: int, stop: int) -> str:
    points = " ".join(f"L{x:g} {h:.2f}" for x, h in zip(t.tolist(), height.tolist()))
    return f"M{start} {y} {points} L{stop} {y}Z"
