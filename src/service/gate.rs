//! A gate per case: readers are inside from the moment they look at its facts until their view is
//! out; whoever takes rights away closes the gate, waits for those inside, and only then changes
//! the case. So no view leaves on a right that was gone when its entry was written.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::error::ServiceError;
use crate::domain::id::CaseId;

/// How long anybody waits at a gate.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Gate {
    inside: usize,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    gates: Mutex<HashMap<CaseId, Gate>>,
    changed: Condvar,
}

/// See the module.
#[derive(Default)]
pub(super) struct Gates(Arc<Shared>);

/// Somebody is inside.
pub(super) struct Inside {
    shared: Arc<Shared>,
    case: CaseId,
}

/// The gate is closed by this holder.
pub(super) struct Closed {
    shared: Arc<Shared>,
    case: CaseId,
}

impl Gates {
    /// Goes in at once, or not at all while the gate is closed.
    pub(super) fn try_enter(&self, case: CaseId) -> Option<Inside> {
        let mut gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(case).or_default();
        if gate.closed {
            return None;
        }
        gate.inside += 1;
        Some(Inside {
            shared: Arc::clone(&self.0),
            case,
        })
    }

    /// Goes in; waits while the gate is closed. Only for who may know that the case is there: how
    /// long it takes tells that somebody changes it.
    pub(super) fn enter(&self, case: CaseId) -> Result<Inside, ServiceError> {
        let gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |gates: &mut HashMap<CaseId, Gate>| gates.get(&case).is_some_and(|g| g.closed);
        let (mut gates, waited) = self
            .0
            .changed
            .wait_timeout_while(gates, PATIENCE, open)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(ServiceError::Busy);
        }
        gates.entry(case).or_default().inside += 1;
        Ok(Inside {
            shared: Arc::clone(&self.0),
            case,
        })
    }

    /// Closes the gate and waits until nobody is inside. Only for who may change the case: how
    /// long it takes tells that somebody reads it.
    pub(super) fn close(&self, case: CaseId) -> Result<Closed, ServiceError> {
        let shared = &self.0;
        let gates = shared.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = |gates: &mut HashMap<CaseId, Gate>| gates.get(&case).is_some_and(|g| g.closed);
        let (mut gates, waited) = shared
            .changed
            .wait_timeout_while(gates, PATIENCE, taken)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(ServiceError::Busy);
        }
        gates.entry(case).or_default().closed = true;
        let closed = Closed {
            shared: Arc::clone(shared),
            case,
        };
        let busy =
            |gates: &mut HashMap<CaseId, Gate>| gates.get(&case).is_some_and(|g| g.inside > 0);
        let (gates, waited) = shared
            .changed
            .wait_timeout_while(gates, PATIENCE, busy)
            .unwrap_or_else(PoisonError::into_inner);
        drop(gates);
        if waited.timed_out() {
            Err(ServiceError::Busy)
        } else {
            Ok(closed)
        }
    }
}

fn leave(shared: &Shared, case: CaseId, change: impl FnOnce(&mut Gate)) {
    let mut gates = shared.gates.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(gate) = gates.get_mut(&case) {
        change(gate);
        if gate.inside == 0 && !gate.closed {
            gates.remove(&case);
        }
    }
    drop(gates);
    shared.changed.notify_all();
}

impl Drop for Inside {
    fn drop(&mut self) {
        leave(&self.shared, self.case, |gate| {
            gate.inside = gate.inside.saturating_sub(1)
        });
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        leave(&self.shared, self.case, |gate| gate.closed = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn closing_waits_for_those_inside_and_keeps_others_out() {
        let gates = Arc::new(Gates::default());
        let case = CaseId::from_bytes([1; 16]);
        let inside = gates.enter(case).unwrap();
        let closed = Arc::new(AtomicBool::new(false));
        let closer = {
            let (gates, closed) = (Arc::clone(&gates), Arc::clone(&closed));
            std::thread::spawn(move || {
                let held = gates.close(case).unwrap();
                closed.store(true, Ordering::SeqCst);
                held
            })
        };
        std::thread::sleep(Duration::from_millis(50));
        assert!(
            !closed.load(Ordering::SeqCst),
            "closed while a reader was inside"
        );
        drop(inside);
        let held = closer.join().unwrap();
        let entered = Arc::new(AtomicBool::new(false));
        let reader = {
            let (gates, entered) = (Arc::clone(&gates), Arc::clone(&entered));
            std::thread::spawn(move || {
                let inside = gates.enter(case).unwrap();
                entered.store(true, Ordering::SeqCst);
                drop(inside);
            })
        };
        std::thread::sleep(Duration::from_millis(50));
        assert!(!entered.load(Ordering::SeqCst), "entered a closed gate");
        assert!(
            gates.enter(CaseId::from_bytes([2; 16])).is_ok(),
            "another case is not affected"
        );
        assert!(gates.try_enter(case).is_none());
        drop(held);
        reader.join().unwrap();
        assert!(gates.try_enter(case).is_some());
        assert!(gates.0.gates.lock().unwrap().is_empty());
    }
}
