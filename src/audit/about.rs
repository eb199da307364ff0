//! Every entry that names one case, by its plain part alone: what a petitioner is told of who opened
//! it. Bodies are not opened, so it can be told as long as the leaves stand.

use std::collections::VecDeque;

use super::entry::Header;
use super::query::{changed, leaf_at};
use super::{AccessLog, LogError, Receipt};
use crate::authz::action::GiveEvidence;
use crate::domain::id::CaseId;
use crate::domain::limit::Limit;
use crate::engine::{KeyRange, Space};

/// Index rows that one scan fetches.
const SCAN: Limit = Limit::rows(1024);

/// An entry as it stands in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Index in the log.
    pub index: u64,
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// What they say.
    pub header: Header,
}

/// What the log says of one case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// The newest entries, in their order.
    pub entries: Vec<Standing>,
    /// How many older ones there are besides.
    pub older: u64,
}

impl AccessLog {
    /// The newest `most` entries that name `case`, among those before the entry that `receipt`
    /// proves: the telling is an entry itself.
    ///
    /// # Errors
    /// [`LogError::Regressed`] where an entry cannot be read back as it was written.
    pub fn about(
        &self,
        receipt: &Receipt<GiveEvidence>,
        case: CaseId,
        most: usize,
    ) -> Result<About, LogError> {
        let prefix = self.sealer.index_prefix(case.as_bytes());
        let end = receipt.position().index.to_be_bytes();
        let mut range = KeyRange {
            from: Some(prefix.clone()),
            to: Some([prefix.as_slice(), &end].concat()),
        };
        let (mut newest, mut older) = (VecDeque::new(), 0);
        loop {
            let page = self
                .engine
                .scan(Space::LogByCase, range.clone(), SCAN)
                .map_err(LogError::unreadable)?;
            for (key, _) in &page.rows {
                range = range.after(key.as_bytes());
                let index = key.as_bytes().last_chunk::<8>().copied();
                newest.extend(index.map(u64::from_be_bytes));
                if newest.len() > most {
                    newest.pop_front();
                    older += 1;
                }
            }
            if !page.more {
                break;
            }
        }
        let entries = newest.into_iter().map(|index| self.standing(index));
        let entries = entries.collect::<Result<_, LogError>>()?;
        Ok(About { entries, older })
    }

    fn standing(&self, index: u64) -> Result<Standing, LogError> {
        let leaf = leaf_at(&*self.engine, index)?.leaf;
        let header = Header::decode(&leaf).map_err(|error| changed(index, error))?;
        Ok(Standing {
            index,
            leaf,
            header,
        })
    }
}
