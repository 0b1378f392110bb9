"""Data to small figures in HTML, which follow the page's colours and need no script."""

from html import escape

import numpy as np

BINS = 60
MARK = "#e8590c"
MOST_NAMES = 16  # of bars beside one another


def spread_html(quantiles: np.ndarray, value: float, unit: str, others: str) -> str:
    """Return a histogram of these equally spaced quantiles of `others`, with a mark where `value` lies."""
    low, high = _reach(quantiles, value)
    below = np.interp(np.linspace(low, high, BINS + 1), quantiles, np.linspace(0, 1, len(quantiles)), left=0, right=1)
    shares = np.diff(below)
    bars = "".join(
        f'<div style="flex:1;height:{100 * share / shares.max():.1f}%;background:currentColor;opacity:.28"></div>'
        for share in shares
    )
    place = 100 * (value - low) / (high - low)
    side = "left" if place < 50 else "right"
    text = f'<span style="position:absolute;top:0;{side}:.5rem;white-space:nowrap">{value:.0f} {escape(unit)}</span>'
    mark = f'<div style="position:absolute;left:{place:.1f}%;top:0;bottom:0;border-left:3px solid {MARK}">{text}</div>'
    ends = (
        '<div style="display:flex;justify-content:space-between;opacity:.7">'
        f"<span>{low:.0f}</span><span>{high:.0f}</span></div>"
    )
    says = f"{value:.0f} {unit}; the {others} lie between {quantiles[0]:.0f} and {quantiles[-1]:.0f}"
    ground = "position:relative;box-sizing:border-box;height:8rem;padding-top:1.5rem;"
    ground += "display:flex;align-items:flex-end;gap:1px"
    chart = f'<div style="{ground}">{bars}{mark}</div>'
    return f'<div role="img" aria-label="{escape(says)}" style="font-size:.85rem">{chart}{ends}</div>'


def columns_html(values: list[float], highest: float, name: str, unit: str) -> str:
    """Return one column for each value, as high as it is beside `highest`."""
    bars = "".join(
        f'<div title="{value:.2f} {escape(unit)}" style="flex:1;min-width:1px;'
        f"height:{max(1.0, 100 * value / (highest or 1)):.1f}%;"
        'background:currentColor;opacity:.55;border-radius:2px 2px 0 0"></div>'
        for value in values
    )
    says = f"{name}: {len(values)} dimensions from {max(values):.2f} to {min(values):.2f} {unit}"
    top = f'<div style="font-size:.8rem;opacity:.7">{highest:.2f} {escape(unit)}</div>'
    frame = "height:7rem;display:flex;align-items:flex-end;gap:2px;border-top:1px dotted;border-bottom:1px solid"
    chart = f'<div style="{frame}">{bars}</div>'
    return f'<div role="img" aria-label="{escape(says)}">{top}{chart}</div>'


def _reach(quantiles: np.ndarray, value: float) -> tuple[float, float]:
    """Return the ends of the axis: nearly all of the data, and the value at the rim at worst."""
    ends = quantiles[round(0.005 * (len(quantiles) - 1))], quantiles[-1]
    margin = 0.04 * (ends[1] - ends[0])
    return min(ends[0], value) - margin, max(ends[1], value) + margin


def bars_html(values: np.ndarray, names: list[str], says: str) -> str:
    """Return bars above and below zero, one for each of values (D,), with their names below where they fit."""
    reach = max(1e-6, float(np.abs(values).max()))
    bars = "".join(
        f'<div title="{escape(name)} = {value:.2f}" style="flex:1;min-width:0;position:relative;height:100%">'
        f'<div style="position:absolute;left:8%;right:8%;border-radius:2px;height:{50 * abs(value) / reach:.1f}%;'
        f"{'bottom' if value >= 0 else 'top'}:50%;background:currentColor;opacity:.55\"></div></div>"
        for name, value in zip(names, values.tolist(), strict=True)
    )
    line = '<div style="position:absolute;left:0;right:0;top:50%;border-top:1px solid currentColor;opacity:.4"></div>'
    chart = f'<div style="position:relative;display:flex;height:5rem">{line}{bars}</div>'
    shown = names if len(names) <= MOST_NAMES else [names[0], *[""] * (len(names) - 2), names[-1]]
    below = "".join(f'<span style="flex:1;min-width:0;text-align:center">{escape(name)}</span>' for name in shown)
    ground = f'<div style="display:flex;opacity:.7">{below}</div>'
    return f'<div role="img" aria-label="{escape(says)}" style="font-size:.75rem">{chart}{ground}</div>'
