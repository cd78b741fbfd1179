#!/usr/bin/env python3
"""Writes spectra.json: what NumPy and SciPy say of a short signal, for tests/it/spectra.rs.

    python3 -m venv scipy && scipy/bin/pip install scipy && scipy/bin/python make.py
"""

import json
import pathlib

import numpy as np
from scipy import signal, stats

RATE = 1000.0


def rounded(values):
    """Ten significant digits, which is a hundred times finer than what the tests allow."""
    return [float(f"{value:.10g}") for value in np.atleast_1d(values)]


def make_signal(length):
    """Two sines, one swelling and fading, on an offset, in noise."""
    time = np.arange(length) / RATE
    noise = np.random.default_rng(7).normal(0, 0.2, length)
    carrier = (1 + 0.8 * np.cos(2 * np.pi * 12 * time)) * np.sin(2 * np.pi * 240 * time)
    return np.round(0.3 + np.sin(2 * np.pi * 51.3 * time) + carrier + noise, 4)


def shape(samples):
    rms = np.sqrt(np.mean(samples**2))
    return {
        "rms": rms,
        "peak": np.max(np.abs(samples)),
        "peak_to_peak": np.ptp(samples),
        "crest_factor": np.max(np.abs(samples)) / rms,
        "skewness": stats.skew(samples),
        "kurtosis": stats.kurtosis(samples, fisher=False),
        "zero_crossings": int(np.count_nonzero(np.diff(samples < 0))),
    }


def welch(samples, window, segment, overlap):
    settings = {
        "fs": RATE,
        "window": window,
        "nperseg": segment,
        "noverlap": int(min(segment, len(samples)) * overlap),
    }
    frequencies, density = signal.welch(samples, scaling="density", **settings)
    _, power = signal.welch(samples, scaling="spectrum", **settings)
    inside = (frequencies >= 200) & (frequencies < 280)
    return {
        "length": len(samples),
        "window": window,
        "segment": segment,
        "overlap": overlap,
        "density": rounded(density),
        "highest": int(np.argmax(power)),
        "highest_power": float(np.max(power)),
        "energy": float(np.sum(density[inside]) * frequencies[1]),
    }


def envelope(samples, low, high):
    lines = np.fft.fft(samples)
    frequencies = np.abs(np.fft.fftfreq(len(samples), 1 / RATE))
    lines[~((frequencies >= low) & (frequencies < high))] = 0
    analytic = signal.hilbert(np.fft.ifft(lines).real)
    return {"length": len(samples), "from": low, "to": high, "envelope": rounded(np.abs(analytic))}


def main():
    long = make_signal(300)
    even, odd = long[:256], long[:75]
    vectors = {
        "rate": RATE,
        "samples": long.tolist(),
        "shape": shape(long),
        "welch": [
            welch(long, "boxcar", 64, 0.0),
            welch(long, "hann", 64, 0.5),
            welch(long, "hamming", 50, 0.25),
            welch(long, "blackman", 45, 0.5),
            welch(long, "flattop", 64, 0.75),
            welch(even, "hann", 256, 0.5),
            welch(odd, "hann", 1024, 0.5),
        ],
        "envelope": [envelope(even, 200, 280), envelope(odd, 100, 300), envelope(even[:64], 0, 1000)],
    }
    text = json.dumps(vectors, separators=(",", ":")).replace(',"', ',\n"')
    pathlib.Path(__file__).with_name("spectra.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
