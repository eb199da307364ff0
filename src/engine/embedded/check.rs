//! Walking every group of the journal: does each continue the one before, is it authentic, is
//! every frame what was written or all zeros.

use super::group::Tip;
use super::rebuild::genesis;
use super::scan::Walk;
use super::segment::{FIRST, damaged};
use super::shared::Shared;
use crate::engine::{Checked, EngineError};

/// Looks at everything up to the durable end. What is wrong is told, one place a segment.
pub(super) fn check(shared: &Shared, progress: &dyn Fn(u64, u64)) -> Result<Checked, EngineError> {
    let (end, last) = shared.end();
    let mut checked = Checked::default();
    let mut tip = genesis(&shared.keys, &shared.store);
    for number in 1..=end.segment {
        let looking = shared.upkeep.gate.look();
        let to = (number == end.segment).then_some(end.offset);
        let mut walk = Walk::load(&shared.layout, number)?;
        drop(looking);
        // Behind a damaged segment the chain is taken up where the next one says it was.
        let before = walk.before().filter(|_| to != Some(FIRST));
        if let Some(before) = before.filter(|before| before.mac != tip.mac) {
            if checked.damage.is_empty() {
                let why = "the first group does not continue the segment before";
                checked.damage.push(damaged(number, FIRST, why).to_string());
            }
            tip = before;
        }
        segment(shared, &mut walk, to, &mut tip, &mut checked);
        checked.bytes += to.map_or(walk.len() as u64, u64::from);
        progress(u64::from(number), u64::from(end.segment));
    }
    if checked.damage.is_empty() && tip != last {
        let why = "the groups before do not lead to the last one that was written";
        let place = damaged(end.segment, end.offset, why);
        checked.damage.push(place.to_string());
    }
    Ok(checked)
}

fn segment(
    shared: &Shared,
    walk: &mut Walk,
    to: Option<u32>,
    tip: &mut Tip,
    checked: &mut Checked,
) {
    let mut offset = FIRST;
    let number = walk.segment();
    while to.is_none_or(|to| offset < to) {
        let Some((header, bytes)) = walk.authentic(&shared.keys, offset, tip) else {
            break;
        };
        for (at, frame, sealed) in header.frames(bytes).into_iter().flatten() {
            checked.frames += 1;
            checked.erased += u64::from(frame.erased);
            if !frame.matches(sealed) {
                let why = "the frame here is not what was written";
                let at = offset.saturating_add(at);
                checked.damage.push(damaged(number, at, why).to_string());
            }
        }
        checked.groups += 1;
        *tip = header.tip;
        offset += header.length;
    }
    let whole = match to {
        Some(to) => offset == to,
        None => !walk.holds_later(&shared.keys, offset, tip),
    };
    if !whole {
        let why = "the group here is not intact or does not continue the one before";
        checked
            .damage
            .push(damaged(number, offset, why).to_string());
    }
}
