"""The accuracy after every contribution as a picture, in SVG: the same bytes on any machine."""

from __future__ import annotations

from xml.sax.saxutils import escape

from dcai_compile.chain.audit import Audit

WIDTH, HEIGHT = 900, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 60
COLOURS = {"open": "#8a8a8a", "refunded": "#2a7f3f", "taken": "#b3261e"}
TICKS = 5


def audit_chart(audit: Audit, title: str) -> str:
    """A line of the accuracy, and a dot a contribution in the colour of what became of it."""
    values = [audit.published, *(row.accuracy for row in audit.rows)]
    low, high = min(values), max(values)
    margin = max(0.01, (high - low) * 0.1)
    low, high = max(0.0, low - margin), min(1.0, high + margin)
    last = max(1, len(audit.rows))

    def x(number: int) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * number / last:.1f}"

    def y(value: float) -> str:
        return f"{TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low):.1f}"

    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="28" font-size="17">{escape(title)}</text>',
    ]
    for tick in range(TICKS + 1):
        value = low + (high - low) * tick / TICKS
        pieces.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}" '
            f'stroke="#e4e4e4"/><text x="{LEFT - 8}" y="{float(y(value)) + 4:.1f}" '
            f'text-anchor="end">{value:.3f}</text>'
        )
    for number in sorted({round(last * tick / TICKS) for tick in range(TICKS + 1)}):
        pieces.append(
            f'<text x="{x(number)}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{number}</text>'
        )
    line = " ".join(f"{x(number)},{y(value)}" for number, value in enumerate(values))
    pieces.append(f'<polyline points="{line}" fill="none" stroke="#1f4e8c" stroke-width="1.5"/>')
    radius = 3.5 if last <= 200 else 1.5
    for row in audit.rows:
        pieces.append(
            f'<circle cx="{x(row.number)}" cy="{y(row.accuracy)}" r="{radius}" '
            f'fill="{COLOURS[row.state]}"/>'
        )
    pieces.append(f'<text x="{WIDTH - RIGHT}" y="28" text-anchor="end">accuracy</text>')
    place = LEFT
    for state, colour in COLOURS.items():
        count = sum(row.state == state for row in audit.rows)
        pieces.append(
            f'<circle cx="{place + 5}" cy="{HEIGHT - 16}" r="5" fill="{colour}"/>'
            f'<text x="{place + 16}" y="{HEIGHT - 12}">{count} {state}</text>'
        )
        place += 130
    pieces.append(
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end">contributions, in order</text>'
    )
    return "\n".join([*pieces, "</svg>"]) + "\n"
