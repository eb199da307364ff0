//! The second mark: the serial number as small QR codes over the whole page, margins and all.
//!
//! Each code is of version 1 with the strongest correction (its ten letters fill it), and its dark
//! modules are drawn as single black dots, far apart: a light tone to the eye, yet black to a
//! photocopier. The codes lie in one grid without a seam, so that a reader can lay all of them over
//! one another, and what text hides of one stands in the others.

mod fold;
mod grey;
mod lattice;
mod scan;

use fold::Tile;
use grey::Grey;
use lattice::Lattice;
use qrcode::{Color, EcLevel, QrCode, Version};
pub use scan::{Scan, scan};

use crate::domain::serial::Serial;

/// Modules of a side of the code.
pub(super) const SIDE: usize = 21;
/// Modules from one code to the next: the code and its quiet zone.
pub(super) const TILE: usize = SIDE + 4;
/// Points of one module.
const MODULE: f32 = 2.4;
/// Points from one code to the next: two stand in any six lines of text.
pub const PERIOD: f32 = MODULE * TILE as f32;
/// Points of a dot's side.
pub const DOT: f32 = 0.8;
/// Longest side of a picture that is looked at, in pixels; greater ones are made smaller.
const SCALE_MAX: usize = 5_000;
/// Side of a part that is looked at by itself, in pixels.
const PART: usize = 480;
/// What leads the serial number in a file's metadata.
const KEYWORD: &str = "bongham-output-";

/// The modules of the code, dark or not, row by row.
pub(super) fn modules(serial: Serial) -> Vec<bool> {
    let code = QrCode::with_version(serial.letters(), Version::Normal(1), EcLevel::H);
    code.map_or_else(
        |_| Vec::new(),
        |code| {
            let colors = code.into_colors();
            colors.into_iter().map(|c| c == Color::Dark).collect()
        },
    )
}

/// Upper left corners of the dots of one tile, in points from the tile's own.
pub fn dots(serial: Serial) -> impl Iterator<Item = (f32, f32)> {
    let inset = (MODULE - DOT) / 2.0;
    let modules = modules(serial).into_iter().enumerate();
    modules.filter(|(_, dark)| *dark).map(move |(at, _)| {
        let (x, y) = ((at % SIDE + 2) as f32, (at / SIDE + 2) as f32);
        (x * MODULE + inset, y * MODULE + inset)
    })
}

/// The serial number as it stands in the metadata of a file.
pub fn keyword(serial: Serial) -> String {
    format!("{KEYWORD}{serial}")
}

/// The serial numbers in the metadata of a file, whatever it is otherwise.
pub fn in_file(bytes: &[u8]) -> Vec<Serial> {
    let lead = KEYWORD.as_bytes();
    let mut found = Vec::new();
    for (at, window) in bytes.windows(lead.len()).enumerate() {
        if window != lead {
            continue;
        }
        let from = at + lead.len();
        let number = bytes.get(from..from + 11).map(String::from_utf8_lossy);
        found.extend(number.and_then(|text| text.parse::<Serial>().ok()));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether it begins like a PNG or JPEG.
pub fn is_picture(bytes: &[u8]) -> bool {
    grey::format(bytes).is_some()
}

/// A picture that cannot be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Neither PNG nor JPEG.
    #[error("is neither PNG nor JPEG")]
    Format,
    /// Cut off or damaged.
    #[error("is a damaged picture")]
    Damaged,
    /// More pixels than are looked at.
    #[error("has too many pixels: a page at 600 dots an inch is enough")]
    TooLarge,
}

/// The serial numbers in the marks of a scanned or photographed page, or of a part of one (PNG or
/// JPEG); the one that was read most often first. Empty where there is no mark.
///
/// # Errors
/// [`Unreadable`] for what is no picture, or one too large.
pub fn read(bytes: &[u8]) -> Result<Vec<Serial>, Unreadable> {
    let mut grey = Grey::read(bytes)?;
    // Whole at each scale first: the more codes lie over one another the better.
    while grey.width().max(grey.height()) > SCALE_MAX {
        grey = grey.halved();
    }
    let halved = grey.halved();
    let scales = [&grey, &halved];
    if let Some(serial) = scales.iter().find_map(|grey| one(grey)) {
        return Ok(vec![serial]);
    }
    // A photograph from aslant has another grid in each corner.
    let mut votes = std::collections::BTreeMap::<Serial, usize>::new();
    for grey in scales {
        for part in parts(grey) {
            if let Some(serial) = one(&part) {
                *votes.entry(serial).or_default() += 1;
            }
        }
    }
    if votes.is_empty() && grey.width().max(grey.height()) < SCALE_MAX / 2 {
        return Ok(one(&grey.doubled()).into_iter().collect());
    }
    let mut found: Vec<(Serial, usize)> = votes.into_iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(found.into_iter().map(|(serial, _)| serial).collect())
}

/// The serial number of a picture with one even grid.
fn one(grey: &Grey) -> Option<Serial> {
    let dots = grey.dots();
    let lattice = Lattice::find(&dots)?;
    Tile::fold(grey, &dots, &lattice)?.read()
}

/// Overlapping parts, each large enough for a few codes.
fn parts(grey: &Grey) -> impl Iterator<Item = Grey> {
    let starts = |length: usize| (0..length.saturating_sub(PART / 2)).step_by(PART / 2);
    let rows = starts(grey.height());
    rows.flat_map(move |y| starts(grey.width()).map(move |x| (x, y)))
        .map(|(x, y)| grey.part(x, y, PART, PART))
}

#[cfg(test)]
pub(crate) mod tests;
