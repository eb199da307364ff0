//! Files of a backup into a directory that is renamed into place when it is whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::merkle::checkpoint::Verifier;
use crate::merkle::manifest::{self, Digest, Sound};

use super::super::error::ServiceError;
use super::refused;

const BUFFER: usize = 1 << 20;

/// Where the data is put together: beside its place, so that a rename brings it there.
pub(super) fn stage(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".restoring");
    PathBuf::from(name)
}

fn failed(what: &str) -> impl Fn(io::Error) -> ServiceError {
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ServiceError::DiskFull,
        kind => ServiceError::Internal(format!("{what}: {kind}")),
    }
}

/// Copies every listed file into `to`, durably, and checks each digest on the way.
pub(super) fn copy(
    sound: &Sound,
    from: &Path,
    to: &Path,
    progress: &dyn Fn(u64, u64),
) -> Result<(), ServiceError> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("an unfinished restore cannot be removed")(error));
        }
        _ => {}
    }
    let all = sound.manifest.files.iter().map(|file| file.bytes).sum();
    let mut done = 0;
    let mut dirs = vec![to.to_owned()];
    for listed in &sound.manifest.files {
        let target = to.join(&listed.name);
        let above = target.parent().unwrap_or(to).to_owned();
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&above);
        made.map_err(failed("a directory cannot be made"))?;
        let digest = copy_one(&from.join(&listed.name), &target, &mut |bytes| {
            done += bytes;
            progress(done, all);
        });
        if digest.map_err(failed("a file cannot be copied"))? != listed.sha256 {
            return Err(refused(format!(
                "{} is not what was backed up",
                listed.name
            )));
        }
        if !dirs.contains(&above) {
            dirs.push(above);
        }
    }
    for dir in dirs {
        sync_dir(&dir)?;
    }
    Ok(())
}

/// The separate store, from its own backup or from the directory as it lay in the old data.
pub(super) fn copy_apart(
    from: Option<&Path>,
    verifier: &Verifier,
    stage: &Path,
) -> Result<(), ServiceError> {
    let from = from.ok_or_else(|| {
        refused("give the backup or the directory of the separate store with --retained".to_owned())
    })?;
    if from.join(manifest::MANIFEST).exists() {
        let sound = manifest::verify(from, verifier, |_| ());
        let sound = sound.map_err(|bad| refused(format!("the separate store: {bad}")))?;
        let apart = stage.join("apart");
        copy(&sound, from, &apart, &|_, _| ())?;
        let moved = fs::rename(apart.join("retained"), stage.join("retained"));
        moved.map_err(|_| refused("this is no backup of the separate store".to_owned()))?;
        fs::remove_dir_all(&apart).map_err(failed("a directory cannot be removed"))?;
        return sync_dir(stage);
    }
    let target = stage.join("retained/journal");
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(&target);
    made.map_err(failed("a directory cannot be made"))?;
    let copied = || -> io::Result<()> {
        copy_one(
            &from.join("store"),
            &stage.join("retained/store"),
            &mut |_| (),
        )?;
        for entry in fs::read_dir(from.join("journal"))? {
            let name = entry?.file_name();
            let segment = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
            if segment {
                let path = from.join("journal").join(&name);
                copy_one(&path, &target.join(&name), &mut |_| ())?;
            }
        }
        Ok(())
    };
    copied().map_err(failed("the separate store cannot be copied"))?;
    sync_dir(&target)?;
    sync_dir(&stage.join("retained"))?;
    sync_dir(stage)
}

fn copy_one(from: &Path, to: &Path, each: &mut dyn FnMut(u64)) -> io::Result<String> {
    let mut source = File::open(from)?;
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    let mut digest = Digest::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = source.read(&mut buffer)?;
        let part = buffer.get(..count).unwrap_or_default();
        if part.is_empty() {
            break;
        }
        digest.update(part);
        target.write_all(part)?;
        each(count as u64);
    }
    target.sync_all()?;
    Ok(digest.finish())
}

fn sync_dir(dir: &Path) -> Result<(), ServiceError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed("a directory cannot be synced"))
}

/// Brings the stage to its place.
pub(super) fn place(stage: &Path, data: &Path) -> Result<(), ServiceError> {
    fs::rename(stage, data).map_err(failed("the restored data cannot be moved to its place"))?;
    let above = data.canonicalize().ok();
    let above = above.as_deref().and_then(Path::parent);
    above.map_or(Ok(()), sync_dir)
}
