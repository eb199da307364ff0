//! Blocks onto pages.

use super::text::{BODY, CELL, HEAD, HEADING, Line, NAME, SMALL, Shaper, Style, TITLE};
use super::{Bars, Block, Chart, Document, PAGES_MAX, PaperError, Table};

/// A4, in points.
pub(super) const WIDTH: f32 = 595.28;
/// A4, in points.
pub(super) const HEIGHT: f32 = 841.89;
/// Left and right.
pub(super) const SIDE: f32 = 56.0;
const TOP: f32 = 62.0;
const BOTTOM: f32 = HEIGHT - 62.0;
/// Width of running text.
pub(super) const COLUMN: f32 = WIDTH - 2.0 * SIDE;

const NAMES: f32 = 96.0;
const GAP: f32 = 8.0;
const PAD: f32 = 3.0;
const RULE: f32 = 0.5;
const BAR: f32 = 14.0;
const STANDING: f32 = 80.0;

/// Something at its place on a page.
pub(super) enum Item {
    /// A line; `y` is its baseline.
    Line { x: f32, y: f32, line: Line },
    /// A filled rectangle: a rule or a bar.
    Box { x: f32, y: f32, w: f32, h: f32 },
}

/// What stands on one page besides the marks.
pub(super) type Page = Vec<Item>;

pub(super) fn pages(document: &Document, shaper: &mut Shaper) -> Result<Vec<Page>, PaperError> {
    let mut flow = Flow {
        shaper,
        pages: vec![Page::new()],
        y: TOP,
    };
    flow.title(&document.title)?;
    for block in &document.blocks {
        flow.block(block)?;
    }
    Ok(flow.pages)
}

struct Flow<'a> {
    shaper: &'a mut Shaper,
    pages: Vec<Page>,
    y: f32,
}

impl Flow<'_> {
    fn fresh(&mut self) -> Result<(), PaperError> {
        if self.pages.len() == PAGES_MAX {
            return Err(PaperError::TooLong);
        }
        self.pages.push(Page::new());
        self.y = TOP;
        Ok(())
    }
    fn is_fresh(&self) -> bool {
        self.pages.last().is_none_or(Vec::is_empty)
    }
    /// Makes sure that `height` fits below.
    fn room(&mut self, height: f32) -> Result<(), PaperError> {
        if self.y + height > BOTTOM && !self.is_fresh() {
            self.fresh()?;
        }
        Ok(())
    }
    fn put(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }
    fn rule(&mut self, y: f32, thick: f32) {
        self.put(Item::Box {
            x: SIDE,
            y,
            w: COLUMN,
            h: thick,
        });
    }
    fn gap(&mut self, height: f32) {
        if !self.is_fresh() {
            self.y += height;
        }
    }

    fn title(&mut self, title: &str) -> Result<(), PaperError> {
        for line in self.shaper.lines(title, TITLE, COLUMN) {
            let x = SIDE + (COLUMN - line.width).max(0.0) / 2.0;
            self.place(x, line)?;
        }
        self.gap(GAP);
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Result<(), PaperError> {
        match block {
            Block::Heading(text) => {
                self.gap(GAP);
                let lines = self.shaper.lines(text, HEADING, COLUMN);
                let own: f32 = lines.iter().map(|line| line.height).sum();
                self.room(own + 3.0 * BODY.size * BODY.leading)?;
                self.text(lines)?;
            }
            Block::Paragraph(text) => {
                let lines = self.shaper.lines(text, BODY, COLUMN);
                self.text(lines)?;
                self.gap(GAP / 2.0);
            }
            Block::Pairs(pairs) => {
                for (name, value) in pairs {
                    self.pair(name, value)?;
                }
                self.gap(GAP / 2.0);
            }
            Block::Table(table) => self.table(table)?,
            Block::Chart(chart) => self.chart(chart)?,
            Block::NewPage => {
                if !self.is_fresh() {
                    self.fresh()?;
                }
            }
        }
        Ok(())
    }

    fn place(&mut self, x: f32, line: Line) -> Result<(), PaperError> {
        self.room(line.height)?;
        let y = self.y + line.baseline;
        self.y += line.height;
        self.put(Item::Line { x, y, line });
        Ok(())
    }

    fn text(&mut self, lines: Vec<Line>) -> Result<(), PaperError> {
        lines
            .into_iter()
            .try_for_each(|line| self.place(SIDE, line))
    }

    fn pair(&mut self, name: &str, value: &str) -> Result<(), PaperError> {
        let names = self.shaper.lines(name, NAME, NAMES - GAP);
        let values = self.shaper.lines(value, BODY, COLUMN - NAMES);
        self.row(vec![(SIDE, names), (SIDE + NAMES, values)])
    }

    /// Cells side by side, broken over as many pages as the longest one needs.
    fn row(&mut self, cells: Vec<(f32, Vec<Line>)>) -> Result<(), PaperError> {
        let mut cells: Vec<_> = cells
            .into_iter()
            .map(|(x, lines)| (x, lines.into_iter().peekable()))
            .collect();
        loop {
            let next = cells.iter_mut().filter_map(|(_, lines)| lines.peek());
            let height = next.map(|line| line.height).fold(0.0, f32::max);
            if height == 0.0 {
                return Ok(());
            }
            self.room(height)?;
            let y = self.y;
            self.y += height;
            for (x, lines) in &mut cells {
                if let Some(line) = lines.next() {
                    let y = y + line.baseline;
                    self.put(Item::Line { x: *x, y, line });
                }
            }
        }
    }

    fn table(&mut self, table: &Table) -> Result<(), PaperError> {
        let shares: f32 = table.columns.iter().map(|c| f32::from(c.share)).sum();
        let widths: Vec<f32> = table
            .columns
            .iter()
            .map(|column| COLUMN * f32::from(column.share) / shares.max(1.0))
            .collect();
        let heads: Vec<&str> = table.columns.iter().map(|c| c.head.as_str()).collect();
        self.room(4.0 * CELL.size * CELL.leading)?;
        self.head(&heads, &widths)?;
        for row in &table.rows {
            let row: Vec<&str> = row.iter().map(String::as_str).collect();
            let cells = self.cells(&row, &widths, CELL);
            let height = tallest(&cells) + 2.0 * PAD;
            // A row that fits on one page stays together.
            let whole = height < BOTTOM - TOP - 4.0 * CELL.size * CELL.leading;
            if self.y + height > BOTTOM && (whole || self.y + 3.0 * CELL.size > BOTTOM) {
                self.fresh()?;
                self.head(&heads, &widths)?;
            }
            self.y += PAD;
            self.row(cells)?;
            self.y += PAD;
            self.rule(self.y, RULE);
        }
        self.gap(GAP);
        Ok(())
    }

    fn head(&mut self, heads: &[&str], widths: &[f32]) -> Result<(), PaperError> {
        self.rule(self.y, 2.0 * RULE);
        self.y += PAD;
        let cells = self.cells(heads, widths, HEAD);
        self.row(cells)?;
        self.y += PAD;
        self.rule(self.y, 2.0 * RULE);
        Ok(())
    }

    fn cells(&mut self, row: &[&str], widths: &[f32], style: Style) -> Vec<(f32, Vec<Line>)> {
        let mut x = SIDE;
        let mut cells = Vec::with_capacity(widths.len());
        for (text, width) in row.iter().zip(widths) {
            let inner = (width - 2.0 * PAD).max(style.size);
            cells.push((x + PAD, self.shaper.lines(text, style, inner)));
            x += width;
        }
        cells
    }

    fn chart(&mut self, chart: &Chart) -> Result<(), PaperError> {
        self.room(STANDING + 3.0 * BODY.size * BODY.leading)?;
        let lines = self.shaper.lines(&chart.title, NAME, COLUMN);
        self.text(lines)?;
        let most = chart.values.iter().map(|(_, value)| *value).max();
        let most = most.unwrap_or(0).max(1);
        match chart.bars {
            Bars::Lying => {
                for (name, value) in &chart.values {
                    self.lying(name, *value, most)?;
                }
            }
            Bars::Standing => self.standing(&chart.values, most),
        }
        self.gap(GAP);
        Ok(())
    }

    fn lying(&mut self, name: &str, value: u64, most: u64) -> Result<(), PaperError> {
        const NAMES: f32 = 150.0;
        const NUMBER: f32 = 60.0;
        self.room(BAR)?;
        let y = self.y;
        let baseline = y + BAR * 0.7;
        let mut names = self.shaper.lines(name, CELL, NAMES - GAP);
        if !names.is_empty() {
            let line = names.swap_remove(0);
            self.put(Item::Line {
                x: SIDE,
                y: baseline,
                line,
            });
        }
        let w = (COLUMN - NAMES - NUMBER) * share(value, most);
        self.put(Item::Box {
            x: SIDE + NAMES,
            y: y + 3.0,
            w,
            h: BAR - 6.0,
        });
        if let Some(line) = self.shaper.line(&value.to_string(), CELL) {
            let x = SIDE + NAMES + w + 4.0;
            let y = baseline;
            self.put(Item::Line { x, y, line });
        }
        self.y += BAR;
        Ok(())
    }

    fn standing(&mut self, values: &[(String, u64)], most: u64) {
        let count = u16::try_from(values.len()).unwrap_or(u16::MAX).max(1);
        let step = COLUMN / f32::from(count);
        let foot = self.y + STANDING;
        let mut x = SIDE;
        for (name, value) in values {
            let h = (STANDING - 12.0) * share(*value, most);
            self.put(Item::Box {
                x: x + step * 0.2,
                y: foot - h,
                w: step * 0.6,
                h,
            });
            let number = (*value > 0).then(|| value.to_string());
            let below = foot + SMALL.size * 1.2;
            for (text, y) in [(Some(name), below), (number.as_ref(), foot - h - 2.0)] {
                let line = text.and_then(|text| self.shaper.line(text, SMALL));
                if let Some(line) = line {
                    let x = x + (step - line.width) / 2.0;
                    self.put(Item::Line { x, y, line });
                }
            }
            x += step;
        }
        self.rule(foot, RULE);
        self.y = foot + SMALL.size * 1.6;
    }
}

fn tallest(cells: &[(f32, Vec<Line>)]) -> f32 {
    let heights = cells
        .iter()
        .map(|(_, lines)| lines.iter().map(|line| line.height).sum());
    heights.fold(0.0, f32::max)
}

fn share(value: u64, most: u64) -> f32 {
    (value as f64 / most as f64) as f32
}
