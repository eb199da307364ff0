//! All codes of a picture laid over one another, and read as one.

use rqrr::{Grid, SimpleGrid};

use super::grey::{Dot, Grey};
use super::lattice::Lattice;
use super::{SIDE, TILE, modules};
use crate::domain::serial::Serial;

/// Modules of a tile.
const CELLS: usize = TILE * TILE;
/// How far from a module's middle its dot may lie, in modules.
const NEAR: f64 = 0.3;
/// Most modules that are looked at: a page has some 60,000.
const SITES_MAX: usize = 2_000_000;
/// How far around a module dots are looked for, in modules.
const AROUND: i64 = 5;
/// How much of the whole tile must be as the serial number's own code.
const AGREE: f64 = 0.8;

/// One tile: for each module how sure it is that it is dark (up to 1) or light (down to -1); 0 is
/// unknown.
pub(super) struct Tile(Vec<f64>);

impl Tile {
    /// Looks at each module of the picture: a dot is dark, white paper is light, and where text
    /// stands nothing is known.
    pub(super) fn fold(grey: &Grey, dots: &[Dot], lattice: &Lattice) -> Option<Self> {
        let (along, down) = bounds(grey, lattice);
        let mut found = Sites::new(along, down)?;
        let mut contrasts = Vec::new();
        for dot in dots {
            let (a, d) = lattice.place(dot.x, dot.y);
            let site = (a.round(), d.round());
            if (a - site.0).abs() < NEAR && (d - site.1).abs() < NEAR {
                found.mark(site.0 as i64, site.1 as i64);
                contrasts.push(dot.contrast);
            }
        }
        contrasts.sort_unstable();
        let contrast = *contrasts.get(contrasts.len() / 2)?;
        let sums = found.sums();
        let mut counts = vec![(0_u32, 0_u32); CELLS];
        for i in along.0..=along.1 {
            for j in down.0..=down.1 {
                let Some((dark, light)) = counts.get_mut(cell(i, j)) else {
                    continue;
                };
                if found.has(i, j) {
                    *dark += 1;
                } else if sums.surround(i, j) {
                    let (x, y) = lattice.point(i as f64, j as f64)?;
                    let clear = is_clear(grey, x.round() as isize, y.round() as isize, contrast);
                    *light += u32::from(clear);
                }
            }
        }
        Self::weigh(&counts)
    }

    /// Dark and light part where the shares of dots part best.
    fn weigh(counts: &[(u32, u32)]) -> Option<Self> {
        let share = |(dark, light): &(u32, u32)| {
            let all = dark + light;
            (all > 0).then(|| f64::from(*dark) / f64::from(all))
        };
        let shares: Vec<Option<f64>> = counts.iter().map(share).collect();
        let known: Vec<f64> = shares.iter().flatten().copied().collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let mut middle = 0.5;
        let mut apart = 0.0;
        for _ in 0..8 {
            let (low, high): (Vec<f64>, Vec<f64>) = known.iter().partition(|s| **s < middle);
            (apart, middle) = (mean(&high) - mean(&low), (mean(&high) + mean(&low)) / 2.0);
        }
        (known.len() > CELLS / 2 && apart > 0.2).then(|| {
            let sure = |share: &Option<f64>| {
                share.map_or(0.0, |share| {
                    ((share - middle) / apart * 2.0).clamp(-1.0, 1.0)
                })
            };
            Self(shares.iter().map(sure).collect())
        })
    }

    fn at(&self, x: usize, y: usize) -> f64 {
        let place = (y % TILE) * TILE + x % TILE;
        self.0.get(place).copied().unwrap_or_default()
    }

    /// A quarter turn.
    fn turned(&self) -> Self {
        let all = (0..TILE).flat_map(|y| (0..TILE).map(move |x| (x, y)));
        Self(all.map(|(x, y)| self.at(y, TILE - 1 - x)).collect())
    }

    /// The serial number of the code, however the page lay.
    pub(super) fn read(self) -> Option<Serial> {
        let mut tile = self;
        let mut starts = Vec::new();
        let fixed = fixed();
        for turn in 0..4_u8 {
            for y in 0..TILE {
                for x in 0..TILE {
                    let fit = fixed
                        .iter()
                        .map(|(dx, dy, sign)| sign * tile.at(x + dx, y + dy));
                    starts.push((fit.sum::<f64>(), turn, x, y));
                }
            }
            tile = tile.turned();
        }
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, turn, x, y) in starts.into_iter().take(3) {
            let mut upright = Self(tile.0.clone());
            for _ in 0..turn {
                upright = upright.turned();
            }
            let serial = upright.decode(x, y);
            if serial.is_some() {
                return serial;
            }
        }
        None
    }

    /// What the library reads at this start, if the whole tile agrees with it.
    fn decode(&self, x: usize, y: usize) -> Option<Serial> {
        let grid = SimpleGrid::from_func(SIDE, |dx, dy| self.at(x + dx, y + dy) > 0.0);
        let (_, text) = Grid::new(grid).decode().ok()?;
        let serial: Serial = text.parse().ok()?;
        let own = modules(serial);
        let (mut agree, mut known) = (0.0, 0.0);
        for dy in 0..TILE {
            for dx in 0..TILE {
                let inside = dx < SIDE && dy < SIDE;
                let dark = inside && own.get(dy * SIDE + dx).copied().unwrap_or_default();
                let sure = self.at(x + dx, y + dy);
                known += sure.abs();
                if (sure > 0.0) == dark {
                    agree += sure.abs();
                }
            }
        }
        (agree > AGREE * known).then_some(serial)
    }
}

/// The modules of a picture, and at which of them a dot was found.
struct Sites {
    along: (i64, i64),
    down: (i64, i64),
    width: usize,
    dots: Vec<u32>,
}

impl Sites {
    /// Without dots; `None` where there would be more than a page has.
    fn new(along: (i64, i64), down: (i64, i64)) -> Option<Self> {
        let length = |(from, to): (i64, i64)| usize::try_from(to - from + 2).ok();
        let (width, height) = (length(along)?, length(down)?);
        let all = width.checked_mul(height).filter(|all| *all <= SITES_MAX)?;
        Some(Self {
            along,
            down,
            width,
            dots: vec![0; all],
        })
    }
    fn place(&self, along: i64, down: i64) -> Option<usize> {
        let inside = (self.along.0..=self.along.1 + 1).contains(&along)
            && (self.down.0..=self.down.1 + 1).contains(&down);
        let (x, y) = (along - self.along.0, down - self.down.0);
        inside.then(|| {
            usize::try_from(y)
                .ok()?
                .checked_mul(self.width)?
                .checked_add(usize::try_from(x).ok()?)
        })?
    }
    fn at(&self, along: i64, down: i64) -> u32 {
        let place = self.place(along, down);
        place
            .and_then(|at| self.dots.get(at).copied())
            .unwrap_or_default()
    }
    fn mark(&mut self, along: i64, down: i64) {
        let place = self.place(along, down);
        if let Some(dot) = place.and_then(|at| self.dots.get_mut(at)) {
            *dot = 1;
        }
    }
    fn has(&self, along: i64, down: i64) -> bool {
        self.at(along, down) > 0
    }
    /// For each module how many dots lie before it, in both directions.
    fn sums(&self) -> Self {
        let mut sums = vec![0; self.dots.len()];
        let mut above = vec![0; self.width];
        for (line, sums) in self
            .dots
            .chunks(self.width)
            .zip(sums.chunks_mut(self.width))
        {
            let mut row = 0;
            for ((dot, sum), above) in line.iter().zip(sums).zip(&mut above) {
                *sum = *above;
                *above += row;
                row += dot;
            }
        }
        Self {
            dots: sums,
            ..*self
        }
    }
    /// Of sums: whether dots lie on all four sides of a module. Beyond the edge of the paper there
    /// are none, and what is white there says nothing.
    fn surround(&self, along: i64, down: i64) -> bool {
        let within = |(a, b): (i64, i64), (c, d): (i64, i64)| {
            let clamp = |at: i64, (from, to): (i64, i64)| at.clamp(from, to + 1);
            let (a, b) = (clamp(a, self.along), clamp(b, self.along));
            let (c, d) = (clamp(c, self.down), clamp(d, self.down));
            (self.at(b, d) + self.at(a, c)).saturating_sub(self.at(a, d) + self.at(b, c))
        };
        let sides = |at: i64| [(at - AROUND, at + 1), (at, at + AROUND + 1)];
        let all = sides(along).into_iter();
        all.flat_map(|a| sides(down).map(|d| (a, d)))
            .all(|(a, d)| within(a, d) > 0)
    }
}

/// Which modules of the picture there are.
fn bounds(grey: &Grey, lattice: &Lattice) -> ((i64, i64), (i64, i64)) {
    let (right, bottom) = (grey.width() as f64, grey.height() as f64);
    let corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)];
    let places = corners.map(|(x, y)| lattice.place(x, y));
    let span = |part: fn(&(f64, f64)) -> f64| {
        let least = places.iter().map(part).fold(f64::MAX, f64::min);
        let most = places.iter().map(part).fold(f64::MIN, f64::max);
        (least.floor() as i64, most.ceil() as i64)
    };
    (span(|place| place.0), span(|place| place.1))
}

fn cell(along: i64, down: i64) -> usize {
    let side = TILE as i64;
    (down.rem_euclid(side) * side + along.rem_euclid(side)) as usize
}

/// Whether nothing dark stands here, against the lightest around.
fn is_clear(grey: &Grey, x: isize, y: isize, contrast: u8) -> bool {
    let (mut dark, mut light) = (255, 0);
    for dy in -3..=3_isize {
        for dx in -3..=3_isize {
            let shade = grey.at(x + dx, y + dy);
            light = light.max(shade);
            if dx.abs() <= 1 && dy.abs() <= 1 {
                dark = dark.min(shade);
            }
        }
    }
    light - dark < contrast / 2
}

/// What is the same in every tile: finders and what surrounds them, timing, the quiet zone. Place
/// and sign, 1 for dark.
fn fixed() -> Vec<(usize, usize, f64)> {
    let mut fixed = Vec::new();
    for y in 0..TILE {
        for x in 0..TILE {
            let dark = if x >= SIDE || y >= SIDE {
                Some(false)
            } else {
                finder(x, y)
                    .or_else(|| finder(SIDE - 1 - x, y))
                    .or_else(|| finder(x, SIDE - 1 - y))
                    .or_else(|| (x == 6).then_some(y % 2 == 0))
                    .or_else(|| (y == 6).then_some(x % 2 == 0))
            };
            if let Some(dark) = dark {
                fixed.push((x, y, if dark { 1.0 } else { -1.0 }));
            }
        }
    }
    fixed
}

/// A finder in the upper left corner with its margin.
fn finder(x: usize, y: usize) -> Option<bool> {
    if x > 7 || y > 7 {
        return None;
    }
    let away = x.abs_diff(3).max(y.abs_diff(3));
    Some(away != 2 && away != 4)
}
