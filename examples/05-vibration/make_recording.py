#!/usr/bin/env python3
"""Writes recording.jsonl: an acceleration in g as a sensor on a bearing's housing would measure it.

Twelve batches of half a second. The machine turns 25 times a second; a gear hums louder than everything else. From the
fifth batch on the outer race of the bearing has a spall, which grows: each ball that passes it strikes the housing,
which rings at 2.2 kHz for about a millisecond. Only Python itself is needed.
"""

import json
import math
import pathlib
import random

RATE = 6400
BATCH = 3200
BATCHES = 12
SHAFT = 25.0
# A 6205 ball bearing: 9 balls of 7.94 mm on a circle of 39.04 mm.
BALLS, BALL, PITCH = 9, 7.94, 39.04
OUTER_RACE = BALLS / 2 * SHAFT * (1 - BALL / PITCH)
RESONANCE = 2200.0
DECAY = 900.0


def strikes(chance):
    """When balls pass the spall, and how hard they strike; balls slip by about one percent."""
    time = 0.0
    while time < BATCHES * BATCH / RATE:
        growth = max(0.0, time - 2.0) / 4.0
        yield time, 0.9 * growth * chance.uniform(0.8, 1.2)
        time += chance.gauss(1.0, 0.01) / OUTER_RACE


def main():
    chance = random.Random(6205)
    samples = []
    for place in range(BATCHES * BATCH):
        time = place / RATE
        shaft = 0.25 * math.sin(2 * math.pi * SHAFT * time)
        gear = 0.6 * math.sin(2 * math.pi * 412.0 * time) * (1 + 0.2 * math.sin(2 * math.pi * SHAFT * time))
        samples.append(shaft + gear + chance.gauss(0.0, 0.12))
    for start, strength in strikes(chance):
        for place in range(math.ceil(start * RATE), min(len(samples), math.ceil((start + 0.01) * RATE))):
            since = place / RATE - start
            samples[place] += strength * math.exp(-DECAY * since) * math.sin(2 * math.pi * RESONANCE * since)
    with pathlib.Path(__file__).with_name("recording.jsonl").open("w") as file:
        for first in range(0, len(samples), BATCH):
            batch = [round(sample, 2) for sample in samples[first : first + BATCH]]
            record = {"machine": "pump 3", "batch": first // BATCH + 1, "rate": RATE, "acceleration": batch}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
    print(f"balls pass a point of the outer race {OUTER_RACE:.1f} times a second")


if __name__ == "__main__":
    main()
