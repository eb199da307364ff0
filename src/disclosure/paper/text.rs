//! Text into lines of placed glyphs.

use std::collections::HashMap;
use std::rc::Rc;

use krilla::text::{Font as Face, GlyphId, KrillaGlyph};
use parley::fontique::{Collection, CollectionOptions, FontInfoOverride};
use parley::{
    FontContext, FontFamily, FontWeight, Layout, LayoutContext, LineHeight, OverflowWrap,
    StyleProperty, WordBreak,
};

use super::font::Font;
use super::printable;

/// Name under which the faces are known to the shaper, whatever the font calls itself.
const FAMILY: &str = "paper";

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Points.
    pub(super) size: f32,
    /// The bold face.
    pub(super) bold: bool,
    /// Distance of lines against the size.
    pub(super) leading: f32,
}

/// Running text.
pub(super) const BODY: Style = Style {
    size: 10.0,
    bold: false,
    leading: 1.6,
};
/// Names of values.
pub(super) const NAME: Style = Style { bold: true, ..BODY };
/// Headings.
pub(super) const HEADING: Style = Style {
    size: 12.0,
    bold: true,
    leading: 1.5,
};
/// The title.
pub(super) const TITLE: Style = Style {
    size: 16.0,
    ..HEADING
};
/// Cells.
pub(super) const CELL: Style = Style {
    size: 9.0,
    bold: false,
    leading: 1.4,
};
/// Heads of columns.
pub(super) const HEAD: Style = Style { bold: true, ..CELL };
/// The visible mark, page numbers, names of standing bars.
pub(super) const SMALL: Style = Style {
    size: 7.5,
    bold: false,
    leading: 1.3,
};

/// Glyphs of one face, side by side.
pub(super) struct Run {
    pub(super) face: Face,
    pub(super) size: f32,
    /// From the line's beginning.
    pub(super) x: f32,
    pub(super) glyphs: Vec<KrillaGlyph>,
}

/// One line.
pub(super) struct Line {
    /// The whole text that it was broken out of: glyphs name their place in it, so that what is
    /// copied out of the file is what was written.
    pub(super) text: Rc<str>,
    pub(super) runs: Vec<Run>,
    pub(super) width: f32,
    pub(super) height: f32,
    /// From the line's top.
    pub(super) baseline: f32,
}

/// Shapes text with the two faces and nothing else: no font of the system slips in.
pub(super) struct Shaper {
    fonts: FontContext,
    layouts: LayoutContext<()>,
    faces: HashMap<u64, Face>,
}

impl Shaper {
    pub(super) fn new(font: &Font) -> Self {
        let mut fonts = FontContext {
            collection: Collection::new(CollectionOptions {
                shared: false,
                system_fonts: false,
            }),
            ..FontContext::default()
        };
        for (blob, weight) in [
            (&font.regular, FontWeight::NORMAL),
            (&font.bold, FontWeight::BOLD),
        ] {
            let named = FontInfoOverride {
                family_name: Some(FAMILY),
                weight: Some(weight),
                ..FontInfoOverride::default()
            };
            fonts.collection.register_fonts(blob.clone(), Some(named));
        }
        Self {
            fonts,
            layouts: LayoutContext::new(),
            faces: HashMap::new(),
        }
    }

    /// The lines of a text in a column of `width` points. Words stay whole where they fit. A
    /// character that the font lacks stands as its number: a name must not vanish from paper.
    pub(super) fn lines(&mut self, text: &str, style: Style, width: f32) -> Vec<Line> {
        let text = printable(text);
        let layout = self.layout(&text, style, width);
        let missing = missing(&layout, &text);
        if missing.is_empty() {
            return self.read(&layout, &text);
        }
        let mut spelled = String::with_capacity(text.len());
        for c in text.chars() {
            if missing.contains(&c) {
                spelled.push_str(&format!("[U+{:04X}]", u32::from(c)));
            } else {
                spelled.push(c);
            }
        }
        let layout = self.layout(&spelled, style, width);
        self.read(&layout, &spelled)
    }

    /// A text that stays on one line.
    pub(super) fn line(&mut self, text: &str, style: Style) -> Option<Line> {
        let one = text.replace('\n', " ");
        self.lines(&one, style, f32::MAX).into_iter().next()
    }

    fn layout(&mut self, text: &str, style: Style, width: f32) -> Layout<()> {
        let mut builder = self
            .layouts
            .ranged_builder(&mut self.fonts, text, 1.0, false);
        builder.push_default(StyleProperty::FontFamily(FontFamily::named(FAMILY)));
        builder.push_default(StyleProperty::FontSize(style.size));
        builder.push_default(LineHeight::FontSizeRelative(style.leading));
        builder.push_default(WordBreak::KeepAll);
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        builder.push_default(StyleProperty::FontWeight(if style.bold {
            FontWeight::BOLD
        } else {
            FontWeight::NORMAL
        }));
        let mut layout = builder.build(text);
        layout.break_all_lines(Some(width));
        layout
    }

    fn read(&mut self, layout: &Layout<()>, text: &str) -> Vec<Line> {
        let text: Rc<str> = text.into();
        layout
            .lines()
            .map(|line| {
                let metrics = line.metrics();
                let mut x = 0.0;
                let mut runs = Vec::new();
                for run in line.runs() {
                    let data = run.font().clone();
                    let (blob, id) = data.data.into_raw_parts();
                    if let std::collections::hash_map::Entry::Vacant(free) = self.faces.entry(id) {
                        let Some(face) = Face::new(blob.into(), data.index) else {
                            continue;
                        };
                        free.insert(face);
                    }
                    let Some(face) = self.faces.get(&id) else {
                        continue;
                    };
                    let glyphs = glyphs(&run);
                    runs.push(Run {
                        face: face.clone(),
                        size: run.font_size(),
                        x,
                        glyphs,
                    });
                    x += run.advance();
                }
                Line {
                    text: Rc::clone(&text),
                    runs,
                    width: metrics.advance,
                    height: metrics.line_height,
                    baseline: metrics.baseline - metrics.block_min_coord,
                }
            })
            .collect()
    }
}

fn glyphs(run: &parley::Run<'_, ()>) -> Vec<KrillaGlyph> {
    let size = run.font_size();
    let mut glyphs: Vec<KrillaGlyph> = Vec::new();
    for cluster in run.visual_clusters() {
        if cluster.is_ligature_continuation() {
            if let Some(last) = glyphs.last_mut() {
                last.text_range.end = cluster.text_range().end;
            }
            continue;
        }
        for glyph in cluster.glyphs() {
            glyphs.push(KrillaGlyph::new(
                GlyphId::new(glyph.id),
                glyph.advance / size,
                glyph.x / size,
                glyph.y / size,
                0.0,
                cluster.text_range(),
                None,
            ));
        }
    }
    glyphs
}

/// Characters that came out as the font's sign for "no such glyph".
fn missing(layout: &Layout<()>, text: &str) -> Vec<char> {
    let mut missing = Vec::new();
    for line in layout.lines() {
        for run in line.runs() {
            for cluster in run.visual_clusters() {
                if cluster.glyphs().any(|glyph| glyph.id == 0) {
                    let lost = text.get(cluster.text_range()).unwrap_or_default();
                    missing.extend(lost.chars().filter(|c| *c != '\n'));
                }
            }
        }
    }
    missing.sort_unstable();
    missing.dedup();
    missing
}
