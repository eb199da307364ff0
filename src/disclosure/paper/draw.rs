//! Pages into PDF, with the marks on every one.

use krilla::color::luma;
use krilla::geom::{Path, PathBuilder, Point, Rect, Transform};
use krilla::graphic::Graphic;
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;

use super::flow::{COLUMN, HEIGHT, Item, Page, SIDE, WIDTH};
use super::text::{Line, SMALL, Shaper};
use super::{Document, Marks, PaperError};
use crate::disclosure::mark;
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;

/// Baselines of the visible mark, and of the page number below it.
const HEADER: f32 = 30.0;
const FOOTER: f32 = HEIGHT - 34.0;
const NUMBER: f32 = HEIGHT - 22.0;

pub(super) fn pdf(
    document: &Document,
    marks: &Marks,
    pages: &[Page],
    shaper: &mut Shaper,
) -> Result<Vec<u8>, PaperError> {
    let mut file = krilla::Document::new();
    file.set_metadata(metadata(&document.title, marks));
    let mut over: Option<Graphic> = None;
    for copy in 1..=marks.copies() {
        let visible = marks.line(copy);
        for (at, items) in (1..).zip(pages) {
            let settings = PageSettings::from_wh(WIDTH, HEIGHT);
            let settings = settings.ok_or(PaperError::Unwritable("page"))?;
            let mut page = file.start_page_with(settings);
            let mut surface = page.surface();
            surface.set_fill(Some(black()));
            for item in items {
                draw(&mut surface, item);
            }
            let number = format!("{at} / {}", pages.len());
            for (text, y) in [
                (visible.as_str(), HEADER),
                (&visible, FOOTER),
                (&number, NUMBER),
            ] {
                if let Some(line) = shaper.line(text, SMALL) {
                    let x = SIDE + (COLUMN - line.width) / 2.0;
                    glyphs(&mut surface, x.max(4.0), y, &line);
                }
            }
            if let Some(serial) = marks.serial {
                let graphic = match over.take() {
                    Some(graphic) => graphic,
                    None => second_mark(&mut surface, serial)?,
                };
                surface.draw_graphic(graphic.clone());
                over = Some(graphic);
            }
            surface.finish();
            page.finish();
        }
    }
    file.finish()
        .map_err(|_| PaperError::Unwritable("the PDF writer refused it"))
}

fn black() -> Fill {
    Fill {
        paint: luma::Color::black().into(),
        ..Fill::default()
    }
}

fn draw(surface: &mut Surface<'_>, item: &Item) {
    match item {
        Item::Line { x, y, line } => glyphs(surface, *x, *y, line),
        Item::Box { x, y, w, h } => {
            let mut path = PathBuilder::new();
            if let Some(rect) = Rect::from_xywh(*x, *y, *w, *h) {
                path.push_rect(rect);
            }
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
    }
}

fn glyphs(surface: &mut Surface<'_>, x: f32, y: f32, line: &Line) {
    for run in &line.runs {
        surface.draw_glyphs(
            Point::from_xy(x + run.x, y),
            &run.glyphs,
            run.face.clone(),
            &line.text,
            run.size,
            false,
        );
    }
}

/// The whole page full of marks, written into the file once.
fn second_mark(surface: &mut Surface<'_>, serial: Serial) -> Result<Graphic, PaperError> {
    let path = tile(serial).ok_or(PaperError::Unwritable("mark"))?;
    let mut builder = surface.stream_builder();
    let mut inner = builder.surface();
    inner.set_fill(Some(black()));
    inner.draw_path(&path);
    inner.finish();
    let tile = Graphic::new(builder.finish(), false);
    let mut builder = surface.stream_builder();
    let mut inner = builder.surface();
    let mut y = 0.0;
    while y < HEIGHT {
        let mut x = 0.0;
        while x < WIDTH {
            inner.push_transform(&Transform::from_translate(x, y));
            inner.draw_graphic(tile.clone());
            inner.pop();
            x += mark::PERIOD;
        }
        y += mark::PERIOD;
    }
    inner.finish();
    Ok(Graphic::new(builder.finish(), false))
}

fn tile(serial: Serial) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (x, y) in mark::dots(serial) {
        path.push_rect(Rect::from_xywh(x, y, mark::DOT, mark::DOT)?);
    }
    path.finish()
}

fn metadata(title: &str, marks: &Marks) -> Metadata {
    let mut metadata = Metadata::new()
        .title(title.to_owned())
        .creator("bongham".to_owned())
        .language("ko".to_owned());
    if let Some(date) = date(marks.at) {
        metadata = metadata.creation_date(date);
    }
    if let Some(serial) = marks.serial {
        metadata = metadata
            .keywords(vec![mark::keyword(serial)])
            .document_id(mark::keyword(serial));
    }
    metadata
}

fn date(at: Timestamp) -> Option<DateTime> {
    let text = at.rfc3339();
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
    let zone = text.get(text.len().checked_sub(6)?..)?;
    let hours: i8 = zone.get(..3)?.parse().ok()?;
    Some(
        DateTime::new(text.get(..4)?.parse().ok()?)
            .month(part(5, 7)?)
            .day(part(8, 10)?)
            .hour(part(11, 13)?)
            .minute(part(14, 16)?)
            .second(part(17, 19)?)
            .utc_offset_hour(hours)
            .utc_offset_minute(zone.get(4..6)?.parse().ok()?),
    )
}
