//! The same document as a page that a browser prints. Nothing but names of elements that stand in
//! this file is written as it is; whatever comes from outside is escaped, so that no text can
//! become markup. There are no scripts.

use std::fmt::Write as _;

use zeroize::{Zeroize, Zeroizing};

use super::{Block, DOCUMENT_BYTES_MAX, Document, Marks, PaperError, Table, printable};
use crate::disclosure::mark;
use crate::domain::serial::Serial;

/// Bytes around the text at the most: style, both marks, the visible line of every copy.
const FRAME_BYTES: usize = 64 << 10;
/// The one style of the page, the same for every document: a server lets exactly this in.
pub const STYLE: &str = "@page{size:A4;margin:14mm 18mm;@bottom-center{content:counter(page) \" / \" \
counter(pages)}}body{font-family:NanumGothic,sans-serif;font-size:10pt;line-height:1.6;margin:0;\
color:#000;background:#fff;word-break:keep-all;overflow-wrap:anywhere}h1{text-align:center;\
font-size:16pt}h2{font-size:12pt;break-after:avoid}p{white-space:pre-wrap}\
table{border-collapse:collapse;width:100%}thead{display:table-header-group}\
tfoot{display:table-footer-group}.sheet{break-after:page}.sheet>thead>tr>td,.sheet>tfoot>tr>td{\
font-size:7.5pt;text-align:center;padding:2mm 0}.rows th,.rows td{border:1px solid #000;\
padding:2pt 3pt;font-size:9pt;text-align:left;vertical-align:top;white-space:pre-wrap}\
.rows tr{break-inside:avoid}dl{display:grid;grid-template-columns:34mm 1fr;margin:0}\
dt{font-weight:bold}dd{margin:0;white-space:pre-wrap}.fresh{break-after:page}\
.over{position:fixed;top:0;left:0;width:100%;height:100%;pointer-events:none}";

/// The document as one page of HTML for the printer, with the visible mark above and below each
/// sheet and the second mark over all of it.
///
/// # Errors
/// [`PaperError::TooLarge`]; nothing is written in part.
pub fn html(document: &Document, marks: &Marks) -> Result<String, PaperError> {
    within(document, marks, DOCUMENT_BYTES_MAX)
}

/// The same within so many bytes. What the copies share is written once.
pub(super) fn within(
    document: &Document,
    marks: &Marks,
    most: usize,
) -> Result<String, PaperError> {
    let body = Zeroizing::new(body(document, most)?);
    let size = FRAME_BYTES.saturating_add(body.len().saturating_mul(marks.copies().into()));
    if size > most {
        return Err(PaperError::TooLarge);
    }
    // As large as it becomes at once: what grows leaves its text behind in memory.
    let mut page = Page(String::with_capacity(size));
    page.raw("<!doctype html>\n<html lang=\"ko\"><head><meta charset=\"utf-8\"><title>");
    page.text(&document.title);
    page.raw("</title>");
    if let Some(serial) = marks.serial {
        page.raw("<meta name=\"keywords\" content=\"");
        page.text(&mark::keyword(serial));
        page.raw("\">");
    }
    page.raw("<meta name=\"date\" content=\"");
    page.text(&marks.at.rfc3339());
    page.raw("\"><style>");
    page.raw(STYLE);
    page.raw("</style></head><body>");
    for copy in 1..=marks.copies() {
        page.sheet(&body, &marks.line(copy));
    }
    if let Some(serial) = marks.serial {
        page.second_mark(serial);
    }
    page.raw("</body></html>\n");
    Ok(page.0)
}

/// Title and blocks.
fn body(document: &Document, most: usize) -> Result<String, PaperError> {
    let mut page = Page(String::new());
    page.within("<h1>", &document.title, "</h1>");
    for block in &document.blocks {
        page.block(block);
        if page.0.len() > most {
            page.0.zeroize();
            return Err(PaperError::TooLarge);
        }
    }
    Ok(page.0)
}

struct Page(String);

impl Page {
    fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }
    fn text(&mut self, text: &str) {
        for c in printable(text).chars() {
            match c {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                c => self.0.push(c),
            }
        }
    }
    fn within(&mut self, open: &'static str, text: &str, close: &'static str) {
        self.raw(open);
        self.text(text);
        self.raw(close);
    }

    fn sheet(&mut self, body: &str, visible: &str) {
        self.within("<table class=\"sheet\"><thead><tr><td>", visible, "</td>");
        self.within(
            "</tr></thead><tfoot><tr><td>",
            visible,
            "</td></tr></tfoot>",
        );
        self.raw("<tbody><tr><td>");
        self.0.push_str(body);
        self.raw("</td></tr></tbody></table>");
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => self.within("<h2>", text, "</h2>"),
            Block::Paragraph(text) => self.within("<p>", text, "</p>"),
            Block::Pairs(pairs) => {
                self.raw("<dl>");
                for (name, value) in pairs {
                    self.within("<dt>", name, "</dt>");
                    self.within("<dd>", value, "</dd>");
                }
                self.raw("</dl>");
            }
            Block::Table(table) => self.table(table),
            Block::Chart(chart) => {
                self.within("<h2>", &chart.title, "</h2>");
                self.raw("<table class=\"rows\"><tbody>");
                for (name, value) in &chart.values {
                    self.within("<tr><th>", name, "</th>");
                    self.within("<td>", &value.to_string(), "</td></tr>");
                }
                self.raw("</tbody></table>");
            }
            Block::NewPage => self.raw("<div class=\"fresh\"></div>"),
        }
    }

    fn table(&mut self, table: &Table) {
        self.raw("<table class=\"rows\"><thead><tr>");
        for column in &table.columns {
            self.within("<th>", &column.head, "</th>");
        }
        self.raw("</tr></thead><tbody>");
        for row in &table.rows {
            self.raw("<tr>");
            for cell in row.iter().take(table.columns.len()) {
                self.within("<td>", cell, "</td>");
            }
            self.raw("</tr>");
        }
        self.raw("</tbody></table>");
    }

    /// An element and no background: browsers leave backgrounds out when they print.
    fn second_mark(&mut self, serial: Serial) {
        self.raw("<svg class=\"over\" aria-hidden=\"true\"><defs>");
        let (period, dot) = (mark::PERIOD, mark::DOT);
        // CSS pixels are 3/4 of a point.
        let _ = write!(
            self.0,
            "<pattern id=\"m\" width=\"{period}\" height=\"{period}\" \
             patternUnits=\"userSpaceOnUse\" patternTransform=\"scale({})\"><path d=\"",
            4.0 / 3.0
        );
        for (x, y) in mark::dots(serial) {
            let _ = write!(self.0, "M{x:.2} {y:.2}h{dot}v{dot}h-{dot}z");
        }
        self.raw(
            "\"/></pattern></defs><rect width=\"100%\" height=\"100%\" fill=\"url(#m)\"/></svg>",
        );
    }
}
