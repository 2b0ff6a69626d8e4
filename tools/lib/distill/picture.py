"""Step `picture`: loss curves as an SVG file, drawn without a library."""

from __future__ import annotations

import csv
from pathlib import Path

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 56, 44, 20, 16
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#a16207", "#be123c")


def read_curve(path: Path) -> list[tuple[float, float]]:
    """Step and loss in nats a token."""
    with path.open(newline="") as file:
        return [(float(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]


def smoothed(points: list[tuple[float, float]], share: float = 0.8) -> list[tuple[float, float]]:
    """An exponential mean, free of the bias of its first value."""
    mean, weight, out = 0.0, 0.0, []
    for step, loss in points:
        mean, weight = share * mean + (1 - share) * loss, share * weight + (1 - share)
        out.append((step, mean / weight))
    return out


def picture(curves: dict[str, list[tuple[float, float]]], out: Path) -> None:
    drawn = {name: smoothed(points) for name, points in curves.items() if points}
    most = max(step for points in drawn.values() for step, _ in points)
    low = min(loss for points in drawn.values() for _, loss in points)
    high = min(7.0, max(loss for points in drawn.values() for _, loss in points))
    low, high = int(low * 2) / 2, high + 0.1

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / most

    def y(loss: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - min(loss, high)) / (high - low)

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
             'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    tick = low
    while tick <= high:
        lines.append(f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
        tick += 0.5
    for part in range(5):
        step = most * part / 4
        lines.append(f'<text x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{step:.0f}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">step</text>')
    lines.append(f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})" text-anchor="middle">'
                 "loss, nats a token</text>")
    for index, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = "L".join(f"{x(step):.1f} {y(loss):.1f}" for step, loss in points)
        lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
                     f'<text x="{WIDTH - RIGHT - 8}" y="{TOP + 16 + 16 * index}" text-anchor="end" fill="{colour}">'
                     f"{name}: {points[-1][1]:.3f}</text>")
    out.write_text("\n".join([*lines, "</svg>"]) + "\n", encoding="utf-8")
