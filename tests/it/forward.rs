//! Entries on their way to a collector, beside a service that does not wait for it.

use std::path::Path;

use bongham::config::forward::{FileForm, Forward, SyslogForm};
use serde_json::Value;

use crate::program::wait_for;
use crate::world::{World, ordinary, settings};

/// An office that forwards, and a case of its officer.
fn office(forward: impl FnOnce(&Path) -> Forward) -> (World, tempfile::TempDir, String) {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let dir = world.leave();
    let mut settings = settings(dir.path());
    settings.forward = Some(forward(dir.path()));
    let mut world = World::over(&settings).unwrap();
    for login in ["officer", "auditor"] {
        world.log_in(login);
    }
    (world, dir, case)
}

#[test]
fn entries_reach_a_file_without_names_texts_or_ids_of_cases() {
    let (world, dir, case) = office(|dir| Forward::File {
        path: dir.join("access.jsonl"),
        form: FileForm::Json,
        max_bytes: 100 << 20,
        keep: 3,
    });
    world.read("officer", &case, "handling").expect(200);
    let last = world.log("&task=read")[0]["index"].as_u64().unwrap();
    let text = wait_for("the entry of the read", || {
        let text = std::fs::read_to_string(dir.path().join("access.jsonl")).ok()?;
        let line = text
            .lines()
            .find(|l| l.contains(&format!("\"index\":{last},")))?;
        serde_json::from_str::<Value>(line).ok()?;
        Some(text)
    });
    let lines = text
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap());
    let indexes: Vec<u64> = lines.filter_map(|l| l["index"].as_u64()).collect();
    assert_eq!(indexes, (0..indexes.len() as u64).collect::<Vec<_>>());
    for personal in [case.as_str(), "홍길동", "보도블록", "officer2", "127.0.0.1"] {
        assert!(!text.contains(personal), "{personal}");
    }
    assert!(text.contains("\"task\":\"read\""), "the control");
}

#[test]
fn a_dead_collector_holds_up_neither_reads_nor_readiness() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap().to_string();
    drop(gone);
    let (world, dir, case) = office(|dir| {
        std::fs::write(dir.join("ca.pem"), "").unwrap();
        Forward::Syslog {
            address,
            name: None,
            ca: dir.join("ca.pem"),
            cert: None,
            key: None,
            resend_bytes: 64 << 20,
            form: SyslogForm::Rfc5424,
            host: None,
        }
    });
    let size = |world: &World| world.log("")[0]["index"].as_u64().unwrap();
    let before = size(&world);
    for _ in 0..20 {
        world.read("officer", &case, "handling").expect(200);
    }
    assert!(size(&world) >= before + 20, "every read has its entry");
    world.send("GET", "/readyz", None, None).expect(200);
    // It tried, the position has not moved, and nothing was lost: it begins at the first entry.
    let tried = || world.service.forwarding().filter(|p| p.failures > 0);
    let progress = wait_for("a try that failed", tried);
    assert_eq!(progress.position, 0);
    assert!(progress.lag > size(&world) - before, "{progress:?}");
    let position = dir.path().join("data/forward/position");
    assert!(!position.exists());
    world.leave();
}

/// Two bytes, or a folder in its place, must not shut an office out of its cases.
#[test]
fn whatever_became_of_the_position_the_store_opens_and_metrics_tell() {
    let to_file = |dir: &Path| Forward::File {
        path: dir.join("access.jsonl"),
        form: FileForm::Json,
        max_bytes: 100 << 20,
        keep: 3,
    };
    let (world, dir, case) = office(to_file);
    let sent = |world: &World| world.service.forwarding().filter(|p| p.lag == 0);
    wait_for("all is sent", || sent(&world));
    drop(world);
    let position = dir.path().join("data/forward/position");
    let mut settings = settings(dir.path());
    settings.forward = Some(to_file(dir.path()));
    let open = || {
        let mut world = World::over(&settings).unwrap();
        world.log_in("officer");
        world.read("officer", &case, "handling").expect(200);
        world
    };
    std::fs::write(&position, [0xff, 0xfe]).unwrap();
    let world = open();
    let progress = wait_for("all is sent again", || sent(&world));
    assert_eq!(progress.failures, 0, "the control");
    drop(world);
    std::fs::remove_file(&position).unwrap();
    std::fs::create_dir(&position).unwrap();
    let world = open();
    let failed = || world.service.forwarding().filter(|p| p.failures > 0);
    let progress = wait_for("a failure that is told", failed);
    assert!(progress.lag > 0, "{progress:?}");
}
