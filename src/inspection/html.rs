//! Pages that cannot hold markup of anybody else: what is not written down here as markup is
//! escaped, without exception. No page has a script.

use std::fmt::Display;

/// A page, or a part of one.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// The beginning of a page in Korean with this title and style sheet.
    pub(super) fn page(title: &str, style: &'static str) -> Self {
        let mut page = Self::default();
        page.raw("<!doctype html>\n<html lang=\"ko\"><head><meta charset=\"utf-8\"><title>")
            .text(title)
            .raw("</title><style>")
            .raw(style)
            .raw("</style></head><body>");
        page
    }

    /// Markup of this program.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Anything else, as text: in a body or between the quotes of an attribute.
    pub(super) fn text(&mut self, value: impl Display) -> &mut Self {
        for c in value.to_string().chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // What turns the reading direction must not act on a page either.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// An element that holds text alone; `open` and `close` are its tags.
    pub(super) fn cell(
        &mut self,
        open: &'static str,
        value: impl Display,
        close: &'static str,
    ) -> &mut Self {
        self.raw(open).text(value).raw(close)
    }

    /// A row of a table, each cell text.
    pub(super) fn row<T: Display>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Self {
        self.raw("<tr>");
        for cell in cells {
            self.cell("<td>", cell, "</td>");
        }
        self.raw("</tr>")
    }

    /// The heads of a table.
    pub(super) fn heads(&mut self, heads: &[&'static str]) -> &mut Self {
        self.raw("<thead><tr>");
        for head in heads {
            self.cell("<th>", head, "</th>");
        }
        self.raw("</tr></thead>")
    }

    /// The whole page.
    pub(super) fn end(mut self) -> String {
        self.raw("</body></html>\n");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_markup_of_ours_stays_text() {
        let mut page = Html::page("<i>", "p{}");
        page.cell("<p title=\"", "\" onload='x", "\">")
            .row(["<script>", "a & b\u{202e}"]);
        let page = page.end();
        assert!(!page.contains("<script") && !page.contains("<i>"));
        assert!(!page.contains("\" onload") && !page.contains('\u{202e}'));
        assert!(page.contains("<td>&lt;script&gt;</td>") && page.contains("a &amp; b"));
        assert!(page.contains("<tr>"), "the control: own markup is markup");
    }
}
