//! The Korean font, from the system: NanumGothic of Debian's `fonts-nanum`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parley::fontique::Blob;

/// Where systems keep it.
const USUAL: [&str; 7] = [
    "/usr/share/fonts/truetype/nanum",
    "/usr/share/fonts/nanum",
    "/usr/share/fonts/nhn-nanum-gothic-fonts",
    "/usr/share/fonts/naver-nanum-gothic-fonts",
    "/usr/share/fonts/TTF",
    "/usr/local/share/fonts",
    "/Library/Fonts",
];
const REGULAR: &str = "NanumGothic.ttf";
const BOLD: &str = "NanumGothicBold.ttf";

/// A font that paper is written with: a regular and a bold face.
#[derive(Clone)]
pub struct Font {
    pub(super) regular: Blob<u8>,
    pub(super) bold: Blob<u8>,
}

/// There is no usable font; the text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FontError {
    /// Nothing at any of these places.
    #[error(
        "NanumGothic.ttf was looked for in {looked}: install it (Debian, Ubuntu: \
         `apt-get install fonts-nanum`) or name a TrueType file in the configuration, [print] font"
    )]
    Missing {
        /// The places.
        looked: String,
    },
    /// What was named in the configuration cannot be read, or is no font.
    #[error("{path} is not a TrueType font that can be read: see the configuration, [print] font")]
    Unreadable {
        /// Which.
        path: String,
    },
    /// A font in which names are lost on paper.
    #[error(
        "{path} is NanumSquare, whose Chinese characters are blank: use NanumGothic (`fonts-nanum`)"
    )]
    Blank {
        /// Which.
        path: String,
    },
}

impl Font {
    /// The font that the configuration names (a file, or a directory with NanumGothic in it), or
    /// the system's.
    ///
    /// # Errors
    /// [`FontError`], which says where it was looked for and what to install.
    pub fn find(configured: Option<&Path>) -> Result<Self, FontError> {
        match configured {
            Some(path) if path.is_dir() => Self::among(std::slice::from_ref(&path.to_owned())),
            Some(path) => Self::read(path),
            None => Self::among(&USUAL.map(PathBuf::from)),
        }
    }

    fn among(places: &[PathBuf]) -> Result<Self, FontError> {
        let found = places.iter().map(|place| place.join(REGULAR));
        match found.into_iter().find(|file| file.is_file()) {
            Some(file) => Self::read(&file),
            None => {
                let places: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
                Err(FontError::Missing {
                    looked: places.join(", "),
                })
            }
        }
    }

    /// The file, and the bold face beside it; without one the regular face stands for both.
    fn read(file: &Path) -> Result<Self, FontError> {
        let path = || file.display().to_string();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("NanumSquare") {
            return Err(FontError::Blank { path: path() });
        }
        let regular = face(file).ok_or_else(|| FontError::Unreadable { path: path() })?;
        let beside = if name == REGULAR {
            file.with_file_name(BOLD)
        } else {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            file.with_file_name(format!("{stem}-Bold.ttf"))
        };
        let bold = face(&beside).unwrap_or_else(|| regular.clone());
        Ok(Self { regular, bold })
    }
}

fn face(file: &Path) -> Option<Blob<u8>> {
    let bytes: Arc<Vec<u8>> = Arc::new(fs::read(file).ok()?);
    krilla::text::Font::new(Arc::clone(&bytes).into(), 0)?;
    Some(Blob::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_that_is_not_there_says_where_and_what_to_install() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Font::find(Some(dir.path())).err().unwrap().to_string();
        assert!(missing.contains("fonts-nanum") && missing.contains("[print] font"));
        assert!(missing.contains(&dir.path().display().to_string()));
        let file = dir.path().join("NanumGothic.ttf");
        fs::write(&file, b"no font").unwrap();
        for named in [file.as_path(), dir.path()] {
            let refused = Font::find(Some(named)).err().unwrap();
            assert!(matches!(refused, FontError::Unreadable { .. }));
        }
        let blank = dir.path().join("NanumSquareR.ttf");
        let refused = Font::find(Some(&blank)).err().unwrap();
        assert!(matches!(refused, FontError::Blank { .. }));
    }
}
