//! [`dominant`]: the frequencies that stand out of a spectrum, found between its lines.

use crate::spectrum::Spectrum;

/// Peaks this much lower in power than the highest are what rounding leaves.
const ROUNDING: f64 = 1e-20;

/// A frequency that stands out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// In hertz.
    pub frequency: f64,
    /// The amplitude of the sine with this power, in the samples' unit.
    pub amplitude: f64,
}

/// The `count` highest lines that are higher than both neighbours, the highest first.
///
/// Between the lines, the place and the height are those of the parabola through the logarithms of a line and its
/// neighbours (J. O. Smith, "Spectral Audio Signal Processing", Quadratic Interpolation of Spectral Peaks).
/// With a Hann window a single sine is found to a fiftieth of the lines' distance, and its amplitude to 4 %.
pub fn dominant(spectrum: &Spectrum, count: usize) -> Vec<Peak> {
    let density = &spectrum.density;
    let highest = density.iter().copied().fold(0.0, f64::max);
    let stands_out = |line: &usize| {
        let [left, middle, right] = around(density, *line);
        left < middle && right <= middle && middle > ROUNDING * highest
    };
    let mut lines: Vec<usize> = (1..density.len().saturating_sub(1)).filter(stands_out).collect();
    lines.sort_by(|left, right| density[*right].total_cmp(&density[*left]));
    lines.into_iter().take(count).map(|line| interpolate(spectrum, line)).collect()
}

fn interpolate(spectrum: &Spectrum, line: usize) -> Peak {
    let heights = around(&spectrum.density, line);
    let (offset, height) = if heights[0] > 0.0 && heights[2] > 0.0 {
        let (offset, height) = vertex(heights.map(f64::ln));
        (offset, height.exp())
    } else {
        (0.0, heights[1])
    };
    let power = height * spectrum.noise_bandwidth;
    Peak { frequency: (line as f64 + offset) * spectrum.resolution, amplitude: (2.0 * power).sqrt() }
}

/// Where the parabola through three points one apart is highest, seen from the middle one, and how high.
fn vertex([left, middle, right]: [f64; 3]) -> (f64, f64) {
    let offset = 0.5 * (left - right) / (left - 2.0 * middle + right);
    (offset, middle - 0.25 * (left - right) * offset)
}

fn around(density: &[f64], line: usize) -> [f64; 3] {
    [density[line - 1], density[line], density[line + 1]]
}
