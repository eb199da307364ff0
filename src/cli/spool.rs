//! A document straight to a printer, through `lp` of CUPS: no file of it is made here. The spooler
//! keeps what it gets until it is printed.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use super::failure::Failure;

/// An `lp` that waits for its document. One that is dropped before has printed nothing.
pub(super) struct Spool(Child);

impl Spool {
    /// Begins, before anything is disclosed for it.
    ///
    /// # Errors
    /// Where there is no `lp`.
    pub(super) fn begin(printer: &str) -> Result<Self, Failure> {
        let mut lp = Command::new("lp");
        lp.args(["-t", "bongham"]);
        if !printer.is_empty() {
            lp.args(["-d", printer]);
        }
        lp.stdin(Stdio::piped()).stdout(Stdio::null());
        let begun = lp.spawn().map(Self);
        begun.map_err(|error| {
            Failure::failed(format!(
                "no document can be printed: lp: {error}; --out makes a file"
            ))
            .korean("lp(CUPS)를 실행할 수 없습니다. --out으로 파일을 만들 수 있습니다.")
        })
    }

    /// Gives it the whole document and waits until the spooler has it.
    ///
    /// # Errors
    /// What `lp` did not take; it says why itself.
    pub(super) fn send(mut self, document: &[u8]) -> Result<(), Failure> {
        let stdin = self.0.stdin.take();
        let given = stdin.map_or(Ok(()), |mut stdin| stdin.write_all(document));
        let taken = self.0.wait().is_ok_and(|status| status.success());
        if given.is_ok() && taken {
            return Ok(());
        }
        let refused = "the printer did not take the document; it is lost: make the print anew";
        Err(Failure::failed(refused)
            .korean("프린터가 문서를 받지 못했습니다. 문서는 남아 있지 않으니 다시 출력하십시오."))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // One that has ended is none to be ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
