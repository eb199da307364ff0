//! A picture in shades of grey, and the single dots in it.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

use super::Unreadable;

/// Most pixels of a side that are looked at.
const SIDE_MAX: u32 = 10_000;
/// Most pixels in all: a page at 600 dots an inch has 35 million.
const PIXELS_MAX: u64 = 40_000_000;
/// Most memory for unpacking, in bytes.
const MEMORY_MAX: u64 = 256 << 20;

/// Shades of grey, 255 is white.
pub(super) struct Grey {
    width: usize,
    height: usize,
    light: Vec<u8>,
}

/// One dot that stands alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dot {
    pub(super) x: f64,
    pub(super) y: f64,
    /// How much darker it is than what is around it.
    pub(super) contrast: u8,
}

/// Steps to the pixels around a dot, three away from its middle.
const RING: [(isize, isize); 24] = ring();

const fn ring() -> [(isize, isize); 24] {
    let mut steps = [(0, 0); 24];
    let mut at = 0;
    let mut y = -3;
    while y <= 3 {
        let mut x = -3;
        while x <= 3 {
            if x == -3 || x == 3 || y == -3 || y == 3 {
                #[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
                {
                    steps[at] = (x, y);
                }
                at += 1;
            }
            x += 1;
        }
        y += 1;
    }
    steps
}

/// PNG or JPEG, if it begins like one.
pub(super) fn format(bytes: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(bytes).ok();
    format.filter(|format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg))
}

impl Grey {
    /// Reads PNG or JPEG. What a small file could blow up to is bounded before it is unpacked.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let format = format(bytes).ok_or(Unreadable::Format)?;
        let reader = || ImageReader::with_format(Cursor::new(bytes), format);
        let (width, height) = reader()
            .into_dimensions()
            .map_err(|_| Unreadable::Damaged)?;
        if width.max(height) > SIDE_MAX || u64::from(width) * u64::from(height) > PIXELS_MAX {
            return Err(Unreadable::TooLarge);
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(SIDE_MAX);
        limits.max_image_height = Some(SIDE_MAX);
        limits.max_alloc = Some(MEMORY_MAX);
        let mut reader = reader();
        reader.limits(limits);
        let picture = reader.decode().map_err(|_| Unreadable::Damaged)?;
        let grey = picture.into_luma8();
        Ok(Self::new(
            grey.width() as usize,
            grey.height() as usize,
            grey.into_raw(),
        ))
    }

    pub(super) const fn new(width: usize, height: usize, light: Vec<u8>) -> Self {
        Self {
            width,
            height,
            light,
        }
    }
    pub(super) const fn width(&self) -> usize {
        self.width
    }
    pub(super) const fn height(&self) -> usize {
        self.height
    }

    /// The shade at a place; white beyond the edges.
    pub(super) fn at(&self, x: isize, y: isize) -> u8 {
        let place = || {
            let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
            (x < self.width && y < self.height).then_some(y * self.width + x)
        };
        place()
            .and_then(|at| self.light.get(at).copied())
            .unwrap_or(255)
    }

    /// Half the size; each pixel the mean of four.
    pub(super) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut light = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let (x, y) = (2 * x as isize, 2 * y as isize);
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)];
                let sum: u16 = four
                    .iter()
                    .map(|(dx, dy)| u16::from(self.at(x + dx, y + dy)))
                    .sum();
                light.push((sum / 4) as u8);
            }
        }
        Self::new(width, height, light)
    }

    /// Twice the size, smoothed.
    pub(super) fn doubled(&self) -> Self {
        let (width, height) = (2 * self.width, 2 * self.height);
        let mut light = Vec::with_capacity(width * height);
        for y in 0..height as isize {
            for x in 0..width as isize {
                let near = |at: isize| (at / 2, at / 2 + if at % 2 == 0 { -1 } else { 1 });
                let ((x0, x1), (y0, y1)) = (near(x), near(y));
                let sum = 9 * u16::from(self.at(x0, y0))
                    + 3 * u16::from(self.at(x1, y0))
                    + 3 * u16::from(self.at(x0, y1))
                    + u16::from(self.at(x1, y1));
                light.push((sum / 16) as u8);
            }
        }
        Self::new(width, height, light)
    }

    /// The part from here, of at most this size.
    pub(super) fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let width = width.min(self.width.saturating_sub(left));
        let height = height.min(self.height.saturating_sub(top));
        let mut light = Vec::with_capacity(width * height);
        for y in top..top + height {
            let from = y * self.width + left;
            light.extend(self.light.get(from..from + width).unwrap_or_default());
        }
        Self::new(width, height, light)
    }

    /// Sums of nine pixels around each, and of rows of three on the way.
    fn smooth(&self) -> Vec<u16> {
        let mut rows = vec![765_u16; self.light.len()];
        for (line, sums) in self
            .light
            .chunks(self.width.max(1))
            .zip(rows.chunks_mut(self.width.max(1)))
        {
            for (three, sum) in line.windows(3).zip(sums.iter_mut().skip(1)) {
                *sum = three.iter().map(|light| u16::from(*light)).sum();
            }
        }
        let mut nine = vec![2295_u16; self.light.len()];
        let next = rows.iter().skip(2 * self.width);
        let here = rows.iter().skip(self.width);
        let sums = nine.iter_mut().skip(self.width);
        for (((sum, a), b), c) in sums.zip(&rows).zip(here).zip(next) {
            *sum = a + b + c;
        }
        nine
    }

    /// The dots that stand alone: darker than all that is around them at three pixels' distance.
    /// Strokes of text are not, and neither is a dot that touches one.
    pub(super) fn dots(&self) -> Vec<Dot> {
        let nine = self.smooth();
        let mut dots = Vec::new();
        if self.height < 7 || self.width < 7 {
            return dots;
        }
        for y in 3..self.height - 3 {
            let rows = [y - 1, y, y + 1].map(|row| {
                nine.get(row * self.width..(row + 1) * self.width)
                    .unwrap_or_default()
            });
            let [above, here, below] = rows;
            let threes = above.windows(3).zip(here.windows(3)).zip(below.windows(3));
            for (x, ((above, here), below)) in (1..).zip(threes) {
                let [left, sum, right] = here else { continue };
                // The least of its neighbours; of equal ones the first.
                if *sum > 2200 || left <= sum || right < sum || x < 3 || x + 3 >= self.width {
                    continue;
                }
                if above.iter().any(|other| other <= sum) || below.iter().any(|other| other < sum) {
                    continue;
                }
                dots.extend(self.alone(x, y));
            }
        }
        dots
    }

    fn alone(&self, x: usize, y: usize) -> Option<Dot> {
        let (x, y) = (x as isize, y as isize);
        let mut dark = 255;
        for dy in -1..=1 {
            for dx in -1..=1 {
                dark = dark.min(self.at(x + dx, y + dy));
            }
        }
        let around = || RING.iter().map(|(dx, dy)| self.at(x + dx, y + dy));
        let mean = around().map(u32::from).sum::<u32>() / RING.len() as u32;
        let contrast = u8::try_from(mean.checked_sub(u32::from(dark))?).ok()?;
        let least = around().min()?;
        if contrast < 24 || least < dark.saturating_add(contrast / 2) {
            return None;
        }
        let (mut sum, mut sx, mut sy) = (0.0, 0.0, 0.0);
        for dy in -2..=2_isize {
            for dx in -2..=2_isize {
                let weight = mean.saturating_sub(u32::from(self.at(x + dx, y + dy)));
                let weight = f64::from(weight);
                sum += weight;
                sx += weight * dx as f64;
                sy += weight * dy as f64;
            }
        }
        (sum > 0.0).then(|| Dot {
            x: x as f64 + sx / sum,
            y: y as f64 + sy / sum,
            contrast,
        })
    }
}
