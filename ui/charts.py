"""Data to small figures in SVG, which follow the page's colours and need no script."""

import numpy as np

WIDTH, HEIGHT, BINS = 640, 130, 48


def spread_svg(quantiles: np.ndarray, value: float, unit: str) -> str:
    """Return a histogram of what these equally spaced quantiles describe, with a mark where `value` lies."""
    low, high = _reach(quantiles, value)
    edges = np.linspace(low, high, BINS + 1)
    below = np.interp(edges, quantiles, np.linspace(0, 1, len(quantiles)), left=0, right=1)
    shares = np.diff(below)
    tops = 92 * shares / shares.max()
    wide = WIDTH / BINS
    bars = "".join(
        f'<rect x="{i * wide + 0.5:.1f}" y="{104 - top:.1f}" width="{wide - 1:.1f}" height="{top:.1f}" rx="1.5"/>'
        for i, top in enumerate(tops)
    )
    x = WIDTH * (value - low) / (high - low)
    side = "start" if x < WIDTH / 2 else "end"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" style="width:100%;max-width:44rem;display:block" role="img" '
        f'aria-label="{value:.0f} {unit}; the test digits lie between {quantiles[0]:.0f} and {quantiles[-1]:.0f}">'
        f'<g fill="currentColor" opacity="0.28">{bars}</g>'
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="108" stroke="#e8590c" stroke-width="3" stroke-linecap="round"/>'
        f'<g font-size="13" fill="currentColor"><text x="{x + (7 if side == "start" else -7):.1f}" y="16" text-anchor="{side}">'
        f'{value:.0f} {unit}</text><g opacity="0.7"><text x="0" y="124">{low:.0f}</text>'
        f'<text x="{WIDTH}" y="124" text-anchor="end">{high:.0f}</text></g></g></svg>'
    )


def _reach(quantiles: np.ndarray, value: float) -> tuple[float, float]:
    """Return the ends of the axis: nearly all of the data, and the value at the rim at worst."""
    n = len(quantiles) - 1
    ends = quantiles[round(0.005 * n)], quantiles[-1]
    margin = 0.04 * (ends[1] - ends[0])
    return min(ends[0], value) - margin, max(ends[1], value) + margin
