//! The grid that dots lie on: two waves whose crests run through them.
//!
//! Dots of a mark lie at whole numbers of modules, text does not. The sum of `exp(2πi k·x)` over
//! all dots is great for the waves `k` of the grid and small for all others, whatever text is left
//! among the dots: first searched for in a small window, where a coarse search suffices, then
//! refined over windows that grow.

use std::f64::consts::{FRAC_PI_4, TAU};

use super::grey::Dot;

/// Pixels from module to module that are looked for.
const PITCH: (f64, f64) = (4.2, 12.0);
/// Side of the first window, in pixels.
const WINDOW: f64 = 168.0;
/// Most dots that one wave is measured on.
const SAMPLE: usize = 1_200;
/// Most dots that waves are searched with.
const SEARCHED: usize = 300;
/// How well the dots must lie on a grid: 1 is a perfect one, text alone stays below 0.2.
const FIT: f64 = 0.4;

/// A wave: its vector in turns a pixel.
type Wave = (f64, f64);

/// A grid of modules, not necessarily upright nor square.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lattice {
    along: Wave,
    down: Wave,
    phase: (f64, f64),
}

impl Lattice {
    /// The grid that these dots lie on, if they lie on one.
    pub(super) fn find(dots: &[Dot]) -> Option<Self> {
        let windows = busiest(dots);
        let coarse = windows
            .iter()
            .filter_map(|(x, y)| {
                let inside = within(dots, (*x, *y), WINDOW);
                let (along, score) = search(&inside)?;
                Some((along, score, (*x, *y)))
            })
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let (along, _, middle) = coarse?;
        let mut lattice = Self {
            along,
            down: (-along.1, along.0),
            phase: (0.0, 0.0),
        };
        let extent = dots
            .iter()
            .map(|dot| (dot.x - middle.0).abs().max((dot.y - middle.1).abs()))
            .fold(0.0, f64::max);
        let mut window = WINDOW;
        loop {
            let inside = within(dots, middle, window);
            lattice.along = refine(&inside, lattice.along, window);
            lattice.down = refine(&inside, lattice.down, window);
            if window > 2.0 * extent {
                break;
            }
            window *= 3.0;
        }
        let all = sample(dots, SAMPLE);
        let (fit_along, phase_along) = wave(&all, lattice.along);
        let (fit_down, phase_down) = wave(&all, lattice.down);
        lattice.phase = (phase_along / TAU, phase_down / TAU);
        (fit_along.min(fit_down) > FIT).then_some(lattice)
    }

    /// Where a point lies, in modules.
    pub(super) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.along.0 * x + self.along.1 * y - self.phase.0,
            self.down.0 * x + self.down.1 * y - self.phase.1,
        )
    }

    /// Where the middle of a module lies, in pixels.
    pub(super) fn point(&self, along: f64, down: f64) -> Option<(f64, f64)> {
        let (a, b) = (along + self.phase.0, down + self.phase.1);
        let ((p, q), (r, s)) = (self.along, self.down);
        let determinant = p * s - q * r;
        (determinant.abs() > 1e-6)
            .then(|| ((a * s - b * q) / determinant, (b * p - a * r) / determinant))
    }
}

/// The middles of the windows with the most dots.
fn busiest(dots: &[Dot]) -> Vec<(f64, f64)> {
    let mut counts = std::collections::BTreeMap::<(i32, i32), usize>::new();
    for dot in dots {
        let cell = ((dot.x / WINDOW) as i32, (dot.y / WINDOW) as i32);
        *counts.entry(cell).or_default() += 1;
    }
    let mut cells: Vec<((i32, i32), usize)> = counts.into_iter().collect();
    cells.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let middle = |cell: i32| (f64::from(cell) + 0.5) * WINDOW;
    let busiest = cells.iter().take(3);
    busiest
        .map(|((x, y), _)| (middle(*x), middle(*y)))
        .collect()
}

fn within(dots: &[Dot], middle: (f64, f64), side: f64) -> Vec<Dot> {
    let near = |dot: &&Dot| {
        (dot.x - middle.0).abs() <= side / 2.0 && (dot.y - middle.1).abs() <= side / 2.0
    };
    let near: Vec<Dot> = dots.iter().filter(near).copied().collect();
    sample(&near, SAMPLE)
}

/// Every n-th of too many.
fn sample(dots: &[Dot], most: usize) -> Vec<Dot> {
    let step = dots.len().div_ceil(most).max(1);
    dots.iter().step_by(step).copied().collect()
}

/// How well the dots lie on the crests of a wave, 0 to 1, and where the crests lie.
fn wave(dots: &[Dot], k: Wave) -> (f64, f64) {
    let (mut real, mut imaginary) = (0.0, 0.0);
    for dot in dots {
        let (sin, cos) = (TAU * (k.0 * dot.x + k.1 * dot.y)).sin_cos();
        real += cos;
        imaginary += sin;
    }
    let count = dots.len().max(1) as f64;
    (real.hypot(imaginary) / count, imaginary.atan2(real))
}

/// The best wave of a window together with the one across it: of about equal ones the longest, for
/// half of a grid's wave fits as well.
fn search(dots: &[Dot]) -> Option<(Wave, f64)> {
    if dots.len() < 40 {
        return None;
    }
    let few: Vec<Dot> = sample(dots, SEARCHED);
    let dots = few.as_slice();
    let step = 0.4 / WINDOW;
    let (shortest, longest) = (1.0 / PITCH.1, 1.0 / PITCH.0);
    let mut tried = Vec::new();
    let mut length = shortest;
    while length <= longest {
        let turn = step / length;
        let mut angle = -FRAC_PI_4;
        while angle < FRAC_PI_4 {
            let k = (length * angle.cos(), length * angle.sin());
            let (along, _) = wave(dots, k);
            // Most waves fail here already.
            if along > 0.2 {
                let (down, _) = wave(dots, (-k.1, k.0));
                tried.push((k, along.min(down), length));
            }
            angle += turn;
        }
        length += step;
    }
    let best = tried.iter().map(|(_, fit, _)| *fit).fold(0.0, f64::max);
    let good = tried.iter().filter(|(_, fit, _)| *fit > 0.8 * best);
    let longest = good.clone().map(|(_, _, l)| *l).fold(f64::MAX, f64::min);
    good.filter(|(_, _, length)| *length < longest * 1.1)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(k, fit, _)| (*k, *fit))
}

/// Climbs to the top of the fit around a wave.
fn refine(dots: &[Dot], from: Wave, window: f64) -> Wave {
    let mut best = (wave(dots, from).0, from);
    let mut step = 0.25 / window;
    for _ in 0..4 {
        let centre = best.1;
        for dx in -2..=2 {
            for dy in -2..=2 {
                let k = (
                    centre.0 + step * f64::from(dx),
                    centre.1 + step * f64::from(dy),
                );
                let (fit, _) = wave(dots, k);
                if fit > best.0 {
                    best = (fit, k);
                }
            }
        }
        step /= 2.5;
    }
    best.1
}
