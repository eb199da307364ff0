//! A workbook, written as it comes: every cell is an inline text, so that nothing has to be kept
//! until the end, nothing is ever a formula, and no number loses its leading zeros.
//!
//! Crates that make workbooks hold the sheet in memory or write it to temporary files in clear;
//! neither is possible here. What a workbook needs is five small parts and one long one.
//!
//! A cell holds 32,767 units of UTF-16. A longer text goes on in the same column of the rows below,
//! whose first two cells, serial and register number, are the same again. A sheet holds 1,048,576
//! rows; what is more goes on another sheet under the same head.

use std::io::{self, Write};

use zeroize::Zeroizing;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::WriteError;

/// Units of UTF-16 that a cell holds.
const CELL_UNITS: usize = 32_767;
/// Rows that a sheet holds.
const SHEET_ROWS: u32 = 1_048_576;
/// Sheets at the most: more than any list of cases needs.
const SHEETS_MAX: u32 = 64;
/// Cells that a row of a text's rest begins with.
const REPEATED: usize = 2;
/// Deflate level: a sheet is locked afterwards, so speed counts more than a few percent.
const LEVEL: i64 = 3;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// A workbook that is being written.
pub(super) struct Book<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
    head: Vec<String>,
    sheets: u32,
    rows: u32,
    most: u32,
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
}

fn broken(error: zip::result::ZipError) -> WriteError {
    match error {
        zip::result::ZipError::Io(error) => WriteError::Io(error),
        other => WriteError::Io(io::Error::other(other)),
    }
}

impl<W: Write> Book<W> {
    /// Begins with an empty sheet.
    pub(super) fn begin(to: W) -> Result<Self, WriteError> {
        let mut book = Self {
            zip: ZipWriter::new_stream(to),
            head: Vec::new(),
            sheets: 0,
            rows: 0,
            most: SHEET_ROWS,
        };
        book.next_sheet()?;
        Ok(book)
    }

    fn next_sheet(&mut self) -> Result<(), WriteError> {
        if self.sheets == SHEETS_MAX {
            return Err(WriteError::Full);
        }
        if self.sheets > 0 {
            self.zip.write_all(b"</sheetData></worksheet>")?;
        }
        self.sheets += 1;
        self.rows = 0;
        let name = format!("xl/worksheets/sheet{}.xml", self.sheets);
        let options = options().large_file(true);
        self.zip.start_file(name, options).map_err(broken)?;
        write!(self.zip, "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetData>")?;
        Ok(())
    }

    /// One row; the first one is the head of every sheet.
    pub(super) fn row(&mut self, cells: &[&str]) -> Result<(), WriteError> {
        if self.head.is_empty() {
            self.head = cells.iter().map(|&cell| cell.to_owned()).collect();
        } else if self.rows == self.most {
            self.next_sheet()?;
            let head = self.head.clone();
            let head: Vec<&str> = head.iter().map(String::as_str).collect();
            self.line(&head)?;
        }
        let mut rest: Vec<&str> = cells.to_vec();
        loop {
            let now: Vec<&str> = rest.iter().map(|cell| cut(cell).0).collect();
            self.line(&now)?;
            let mut left: Vec<&str> = rest.iter().map(|cell| cut(cell).1).collect();
            if left.iter().all(|cell| cell.is_empty()) {
                return Ok(());
            }
            for (again, cell) in left.iter_mut().zip(cells).take(REPEATED) {
                *again = cut(cell).0;
            }
            if self.rows == self.most {
                self.next_sheet()?;
            }
            rest = left;
        }
    }

    fn line(&mut self, cells: &[&str]) -> Result<(), WriteError> {
        self.rows += 1;
        let mut xml = Zeroizing::new(String::with_capacity(256));
        xml.push_str("<row>");
        for cell in cells {
            if cell.is_empty() {
                xml.push_str("<c/>");
                continue;
            }
            xml.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
            escape(cell, &mut xml);
            xml.push_str("</t></is></c>");
        }
        xml.push_str("</row>");
        Ok(self.zip.write_all(xml.as_bytes())?)
    }

    /// The parts that say what the long ones are.
    pub(super) fn finish(mut self) -> Result<W, WriteError> {
        self.zip.write_all(b"</sheetData></worksheet>")?;
        let sheets = |one: &dyn Fn(u32) -> String| (1..=self.sheets).map(one).collect::<String>();
        let named = sheets(&|n| format!("<sheet name=\"{n}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>"));
        let related = sheets(&|n| {
            format!(
                "<Relationship Id=\"rId{n}\" Type=\"{OFFICE}/worksheet\" \
                 Target=\"worksheets/sheet{n}.xml\"/>"
            )
        });
        let typed = sheets(&|n| {
            format!(
                "<Override PartName=\"/xl/worksheets/sheet{n}.xml\" \
                 ContentType=\"{TYPE}.worksheet+xml\"/>"
            )
        });
        let parts = [
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{named}</sheets>\
                     </workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"{PACKAGE}/relationships\">{related}</Relationships>"
                ),
            ),
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" \
                     Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "[Content_Types].xml",
                format!(
                    "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
                     ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                     <Default Extension=\"xml\" ContentType=\"application/xml\"/><Override \
                     PartName=\"/xl/workbook.xml\" ContentType=\"{TYPE}.sheet.main+xml\"/>{typed}\
                     </Types>"
                ),
            ),
        ];
        for (name, xml) in parts {
            self.zip.start_file(name, options()).map_err(broken)?;
            write!(self.zip, "{HEAD}{xml}")?;
        }
        let mut to = self.zip.finish().map_err(broken)?.into_inner();
        to.flush()?;
        Ok(to)
    }
}

/// What one cell holds of a text, and the rest.
fn cut(cell: &str) -> (&str, &str) {
    // No letter has more units of UTF-16 than bytes of UTF-8.
    if cell.len() <= CELL_UNITS {
        return (cell, "");
    }
    let mut units = 0;
    for (at, c) in cell.char_indices() {
        units += c.len_utf16();
        if units > CELL_UNITS {
            return cell.split_at_checked(at).unwrap_or((cell, ""));
        }
    }
    (cell, "")
}

/// As XML takes it. What XML has no form for is written as the format says (`_x0008_`), and so is
/// what would be read as such a form.
fn escape(text: &str, xml: &mut String) {
    for (at, c) in text.char_indices() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\r' => xml.push_str("_x000D_"),
            '\t' | '\n' => xml.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                xml.push_str(&format!("_x{:04X}_", u32::from(c)));
            }
            '_' if is_form(text.get(at..).unwrap_or_default()) => xml.push_str("_x005F_"),
            _ => xml.push(c),
        }
    }
}

fn is_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes, [b'_', b'x', a, b, c, d, b'_', ..]
        if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    fn parts(bytes: Vec<u8>) -> Vec<(String, String)> {
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut found = Vec::new();
        for at in 0..zip.len() {
            let mut file = zip.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            let name = file.name().unwrap().into_owned();
            found.push((name, text));
        }
        found
    }

    #[test]
    fn a_workbook_has_its_parts_and_every_cell_is_a_text() {
        let mut book = Book::begin(Vec::new()).unwrap();
        book.row(&["머리", "b"]).unwrap();
        book.row(&["=1+1", "010"]).unwrap();
        book.row(&["a<b>&\u{8}_x0041_", ""]).unwrap();
        let parts = parts(book.finish().unwrap());
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "xl/worksheets/sheet1.xml",
                "xl/workbook.xml",
                "xl/_rels/workbook.xml.rels",
                "_rels/.rels",
                "[Content_Types].xml"
            ]
        );
        let sheet = &parts[0].1;
        assert!(sheet.contains("<t xml:space=\"preserve\">=1+1</t>"));
        assert!(sheet.contains("a&lt;b&gt;&amp;_x0008__x005F_x0041_</t>"));
        assert!(!sheet.contains("<f>"));
        assert_eq!(sheet.matches("<row>").count(), 3);
        assert_eq!(sheet.matches("</worksheet>").count(), 1);
    }

    #[test]
    fn a_long_text_goes_on_below_and_a_full_sheet_on_the_next() {
        let long = "가".repeat(CELL_UNITS + 5);
        let mut book = Book::begin(Vec::new()).unwrap();
        book.most = 3;
        book.row(&["serial", "number", "text"]).unwrap();
        book.row(&["s", "n", &long]).unwrap();
        book.row(&["s", "m", "last"]).unwrap();
        let parts = parts(book.finish().unwrap());
        let (first, second) = (&parts[0].1, &parts[1].1);
        assert_eq!(first.matches("가").count(), CELL_UNITS + 5);
        assert_eq!(first.matches(">n</t>").count(), 2);
        assert!(first.contains(&format!(">{}</t>", "가".repeat(5))));
        assert!(second.contains(">serial</t>") && second.contains(">last</t>"));
        assert_eq!(first.matches("<row>").count(), 3);
        let (name, workbook) = &parts[2];
        assert_eq!(name, "xl/workbook.xml");
        assert_eq!(workbook.matches("<sheet ").count(), 2);
        assert_eq!(
            cut("𝄞".repeat(CELL_UNITS).as_str()).0.chars().count(),
            16_383
        );
    }
}
