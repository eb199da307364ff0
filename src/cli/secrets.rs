//! Where a command takes a secret from: a file, a file descriptor, or the person. Never an
//! argument, because arguments stand in every process list.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::failure::Failure;
use super::host::Unlock;
use crate::domain::secret::{SecretBytes, SecretText};

/// Longest secret read from a file, in bytes.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// The password of the account that a command acts as.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PasswordArgs {
    /// Read the password from this file (its first line)
    #[arg(long, value_name = "FILE", conflicts_with = "password_fd")]
    pub password_file: Option<PathBuf>,
    /// Read the password from this open file descriptor
    #[arg(long, value_name = "FD")]
    pub password_fd: Option<u32>,
}

/// What opens the keyring.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct UnlockArgs {
    /// Read the store's passphrase from this file (its first line)
    #[arg(long, value_name = "FILE", env = "BONGHAM_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// The key file, for a store that was made with one
    #[arg(long, value_name = "FILE", env = "BONGHAM_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password, asked from the person where neither file nor descriptor was given.
    pub fn read(&self, prompt: &str) -> Result<SecretText, Failure> {
        match (&self.password_file, self.password_fd) {
            (Some(path), _) => first_line(path),
            (None, Some(fd)) => first_line(Path::new(&format!("/dev/fd/{fd}"))),
            (None, None) => ask(prompt, "--password-file or --password-fd"),
        }
    }
    /// A new password: asked twice from a person, so that a slip does not lock them out.
    pub fn read_new(&self, prompt: &str) -> Result<SecretText, Failure> {
        let first = self.read(prompt)?;
        if self.password_file.is_none() && self.password_fd.is_none() {
            let again = self.read("The same again: ")?;
            same(&first, &again)?;
        }
        Ok(first)
    }
}

impl UnlockArgs {
    /// Passphrase and key file, the passphrase asked from the person where no file was given.
    pub fn read(&self) -> Result<Unlock, Failure> {
        let passphrase = match &self.passphrase_file {
            Some(path) => first_line(path)?,
            None => ask("Passphrase of the store: ", "--passphrase-file")?,
        };
        self.with(passphrase)
    }
    /// The same for a new store: a passphrase from a person is asked twice.
    pub fn read_new(&self) -> Result<Unlock, Failure> {
        let unlock = self.read()?;
        if self.passphrase_file.is_none() {
            same(
                &unlock.passphrase,
                &ask("The same again: ", "--passphrase-file")?,
            )?;
        }
        Ok(unlock)
    }
    /// Passphrase and key file, where a file with the passphrase was given.
    pub fn read_given(&self) -> Result<Option<Unlock>, Failure> {
        match &self.passphrase_file {
            Some(path) => self.with(first_line(path)?).map(Some),
            None => Ok(None),
        }
    }
    fn with(&self, passphrase: SecretText) -> Result<Unlock, Failure> {
        let key_file = match &self.key_file {
            Some(path) => Some(SecretBytes::new(whole(path)?.to_vec())),
            None => None,
        };
        Ok(Unlock {
            passphrase,
            key_file,
        })
    }
}

fn same(first: &SecretText, again: &SecretText) -> Result<(), Failure> {
    if first.expose() == again.expose() {
        return Ok(());
    }
    Err(
        Failure::usage("the two entries differ; nothing was changed")
            .korean("두 번 입력한 값이 서로 다릅니다. 아무것도 바뀌지 않았습니다."),
    )
}

/// A code or other short secret from the person.
pub fn ask(prompt: &str, instead: &str) -> Result<SecretText, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "there is no terminal to ask for a secret at; use {instead}"
        ))
        .korean("비밀번호를 물어볼 터미널이 없습니다. 파일 또는 파일 기술자로 주십시오."));
    }
    rpassword::prompt_password(prompt)
        .map(SecretText::new)
        .map_err(|error| Failure::failed(format!("cannot read from the terminal: {error}")))
}

/// A line from the person that is no secret; `None` where nobody is there to be asked.
pub fn ask_openly(prompt: &str) -> Result<Option<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let unread = |error| Failure::failed(format!("cannot read from the terminal: {error}"));
    let mut to = std::io::stderr();
    to.write_all(prompt.as_bytes()).map_err(unread)?;
    to.flush().map_err(unread)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(unread)?;
    let line = line.trim();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

/// The first line of a file, without its line end.
pub fn first_line(path: &Path) -> Result<SecretText, Failure> {
    let bytes = whole(path)?;
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::usage(format!(
            "{} has an empty first line",
            path.display()
        )));
    }
    String::from_utf8(line.to_vec())
        .map(SecretText::new)
        .map_err(|_| Failure::usage(format!("{} is not UTF-8 text", path.display())))
}

fn whole(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unread = |error: std::io::Error| Failure::file("read", path, &error).with_usage();
    let file = File::open(path).map_err(unread)?;
    // One buffer of the full size: growing would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX as usize + 1));
    file.take(SECRET_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{} is too long for a secret",
            path.display()
        )));
    }
    Ok(bytes)
}

impl Failure {
    fn with_usage(self) -> Self {
        self.with_exit(super::failure::Exit::Usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(content: &[u8]) -> Result<String, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        std::fs::write(&path, content).unwrap();
        first_line(&path).map(|s| s.expose().to_owned())
    }

    #[test]
    fn the_first_line_is_the_secret() {
        assert_eq!(line_of(b"pass word\r\nrest").unwrap(), "pass word");
        assert_eq!(line_of("암호".as_bytes()).unwrap(), "암호");
        for bad in [&b""[..], b"\nsecond", b"\xff\xfe", &[b'a'; 70_000]] {
            assert!(line_of(bad).is_err());
        }
    }

    #[test]
    fn a_descriptor_is_read() {
        use std::os::fd::AsRawFd;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        std::fs::write(&path, "from-fd\n").unwrap();
        let file = File::open(&path).unwrap();
        let args = PasswordArgs {
            password_fd: Some(file.as_raw_fd().unsigned_abs()),
            ..PasswordArgs::default()
        };
        assert_eq!(args.read("").unwrap().expose(), "from-fd");
    }
}
