#!/usr/bin/env python3
"""Draws findings.svg from features.jsonl, which the pipeline writes. Only Python itself is needed."""

import json
import math
import pathlib

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT, LEFT, GAP = 760, 150, 60, 62
BEFORE, AFTER = "#7a8794", "#c8372d"


class Panel:
    """One diagram with logarithmic heights; the first of the page is number 0."""

    def __init__(self, number, title, across, heights):
        self.top = 34 + number * (HEIGHT + GAP)
        self.across, self.heights = across, [math.log10(height) for height in heights]
        self.parts = [
            f'<text x="{LEFT}" y="{self.top - 9}" font-weight="bold">{title}</text>',
            f'<rect x="{LEFT}" y="{self.top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccd2d8"/>',
        ]
        for power in range(math.ceil(self.heights[0]), math.floor(self.heights[1]) + 1):
            y = self.y(10.0**power)
            self.parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">1e{power}</text>')

    def x(self, value):
        first, last = self.across
        return round(LEFT + (value - first) / (last - first) * WIDTH, 1)

    def y(self, value):
        low, high = self.heights
        place = (math.log10(max(value, 1e-30)) - low) / (high - low)
        return round(self.top + HEIGHT * (1 - min(max(place, 0), 1)), 1)

    def line(self, points, color):
        path = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.2"/>')

    def level(self, height, text):
        y = self.y(height)
        self.parts.append(f'<path d="M{LEFT} {y}h{WIDTH}" stroke="#333" stroke-dasharray="5 4"/>')
        self.parts.append(f'<text x="{LEFT + 8}" y="{y - 5}">{text}</text>')

    def ticks(self, values, unit):
        for value in values:
            self.parts.append(f'<text x="{self.x(value)}" y="{self.top + HEIGHT + 16}" text-anchor="middle">{value}{unit}</text>')

    def mark(self, x, text):
        self.parts.append(f'<path d="M{self.x(x)} {self.top}v{HEIGHT}" stroke="#2b6cb0" stroke-dasharray="2 4"/>')
        self.parts.append(f'<text x="{self.x(x) + 4}" y="{self.top + 14}" fill="#2b6cb0">{text}</text>')


def spectrum(described, last):
    step = described["resolution"]
    points = [(line * step, density) for line, density in enumerate(described["density"])]
    return [point for point in points if 0 < point[0] <= last]


def main():
    lines = (HERE / "features.jsonl").read_text().splitlines()
    batches = {record["batch"]: record for record in map(json.loads, lines)}
    first, last = batches[min(batches)], batches[max(batches)]
    found = last["envelope"]["peaks"][0]["frequency"]

    whole = Panel(0, "Spectrum of the acceleration, g²/Hz: batch 1 grey, batch 12 red", (0, 3200), (1e-7, 1e-1))
    whole.ticks(range(0, 3201, 400), " Hz")
    envelope = Panel(1, "Spectrum of the envelope of 1.9 to 2.5 kHz, g²/Hz", (0, 300), (1e-8, 1e-2))
    envelope.ticks(range(0, 301, 50), " Hz")
    for number in (1, 2, 3):
        envelope.mark(number * found, f"{number * found:.1f} Hz")
    for record, color in ((first, BEFORE), (last, AFTER)):
        whole.line(spectrum(record["spectrum"], 3200), color)
        envelope.line(spectrum(record["envelope"], 300), color)

    trend = Panel(2, "Batch by batch: energy at the fault red, energy of the whole signal grey, g²", (1, 12), (1e-6, 1e0))
    trend.ticks(sorted(batches), "")
    trend.level(1e-4, "limit")
    order = [batches[batch] for batch in sorted(batches)]
    trend.line([(record["batch"], record["rms"] ** 2) for record in order], BEFORE)
    trend.line([(record["batch"], record["envelope"]["bands"]["outer_race"]) for record in order], AFTER)

    size = f'width="{LEFT + WIDTH + 30}" height="{34 + 3 * (HEIGHT + GAP)}"'
    style = 'font-family="sans-serif" font-size="12" fill="#222"'
    parts = [part for panel in (whole, envelope, trend) for part in panel.parts]
    background = '<rect width="100%" height="100%" fill="white"/>'
    picture = "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', background, *parts, "</svg>\n"])
    (HERE / "findings.svg").write_text(picture)


if __name__ == "__main__":
    main()
