//! What a restore takes for a backup: what `tar` made of one as well, and nothing that a stranger made up.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use outboard_context::backup::{RestoreError, restore};
use serde_json::json;
use support::kept::*;
use support::*;
use tar::EntryType;

/// One backup: the files in it, in their order.
type Files = Vec<(String, Vec<u8>)>;

async fn backup(dir: &tempfile::TempDir) -> PathBuf {
    let (data, safe) = (dir.path().join("data"), dir.path().join("safe.tar"));
    fill(&data, dir, "kept").await;
    let context = open(&data);
    let report = context.backup(&safe).await.unwrap();
    assert_eq!(report.bytes, fs::metadata(&safe).unwrap().len());
    context.close().await;
    safe
}

fn files_of(archive: &Path) -> Files {
    let mut archive = tar::Archive::new(File::open(archive).unwrap());
    let read = |entry: std::io::Result<tar::Entry<'_, File>>| {
        let (mut entry, mut bytes) = (entry.unwrap(), Vec::new());
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// A header as anybody may write one, with what follows it.
fn entry(kind: EntryType, name: &str, bytes: &[u8]) -> Vec<u8> {
    sized(kind, name, bytes.len() as u64, bytes)
}

fn sized(kind: EntryType, name: &str, size: u64, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o600);
    header.set_size(size);
    if matches!(kind, EntryType::Symlink | EntryType::Link) {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    let mut block = [header.as_bytes().as_slice(), bytes].concat();
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions(records.iter().map(|(key, value)| (*key, value.as_bytes()))).unwrap();
    builder.get_ref().clone()
}

fn plain(files: &Files) -> Vec<u8> {
    files.iter().flat_map(|(name, bytes)| entry(EntryType::Regular, name, bytes)).collect()
}

/// An archive with something before the files of a backup that is good otherwise.
fn with(more: Vec<u8>, files: &Files) -> Vec<u8> {
    [more, plain(files)].concat()
}

/// The files of a backup, one of them changed.
fn changed(files: &Files, name: &str, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut files = files.clone();
    change(&mut files.iter_mut().find(|(found, _)| found == name).unwrap().1);
    plain(&files)
}

/// The files of a backup, one of them in another way.
fn instead(files: &Files, name: &str, other: Vec<u8>) -> Vec<u8> {
    let rest: Files = files.iter().filter(|(found, _)| found != name).cloned().collect();
    with(other, &rest)
}

/// Everything in a folder.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(snapshot(&entry.path()));
            found.insert(entry.path(), Vec::new());
        } else {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn an_archive_that_a_stranger_made_up_is_refused_with_the_reason_and_changes_nothing() {
    use EntryType as Kind;
    let dir = tempfile::tempdir().unwrap();
    let good = files_of(&backup(&dir).await);
    let (state, one) = (&good[0].1, "plugins-data/a/0.db");
    let whole = plain(&good);
    let of = |kind, name| instead(&good, name, entry(kind, name, b""));
    let list =
        |text: &str| instead(&good, "backup.json", entry(Kind::Regular, "backup.json", text.as_bytes()));
    let long = |name: &str| entry(Kind::GNULongName, "././@LongLink", format!("{name}\0").as_bytes());
    let mut broken = whole.clone();
    broken[512 + state.len() + 10] ^= 1;
    let refused: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", vec![], "there is no backup.json"),
        ("zeros", vec![0; 10_240], "there is no backup.json"),
        ("text", b"x".repeat(2000), "not a tar archive"),
        ("a few bytes", b"PK".to_vec(), "not a tar archive"),
        ("gzip", [b"\x1f\x8b\x08".to_vec(), vec![7; 2000]].concat(), "decompress it first"),
        ("an absolute name", with(entry(Kind::Regular, "/etc/passwd", b"x"), &good), "\"/etc/passwd\""),
        ("a way out", with(entry(Kind::Regular, "../x.db", b"x"), &good), "\"../x.db\""),
        (
            "a way out below",
            with(entry(Kind::Regular, "plugins-data/a/../../x.db", b"x"), &good),
            "not a database of a data",
        ),
        (
            "two dots for an id",
            with(entry(Kind::Regular, "plugins-data/../x.db", b""), &good),
            "not a database",
        ),
        ("a journal", with(entry(Kind::Regular, "plugins-data/a/0.db-journal", b""), &good), "0.db-journal"),
        ("a secret", with(entry(Kind::Regular, "sign-in.json", b"{}"), &good), "\"sign-in.json\""),
        ("colours", with(entry(Kind::Regular, "\u{1b}[31m", b""), &good), "\"\\u{1b}[31m\""),
        ("a folder elsewhere", with(entry(Kind::Directory, "etc/", b""), &good), "\"etc/\""),
        (
            "a folder with content",
            with(entry(Kind::Directory, "plugins-data/", b"x"), &good),
            "plugins-data/",
        ),
        ("a link", of(Kind::Symlink, one), "not a plain file"),
        ("a hard link", of(Kind::Link, one), "not a plain file"),
        ("a link for the list", of(Kind::Symlink, "backup.json"), "not a plain file"),
        ("a device", of(Kind::Char, "state.db"), "not a plain file"),
        ("a disk", of(Kind::Block, "state.db"), "not a plain file"),
        ("a pipe", of(Kind::Fifo, one), "not a plain file"),
        ("a sparse file", of(Kind::GNUSparse, one), "not a plain file"),
        ("an unknown kind", of(Kind::new(b'?'), one), "not a plain file"),
        (
            "a long link",
            with(entry(Kind::GNULongLink, "././@LongLink", b"/etc/passwd\0"), &good),
            "@LongLink",
        ),
        ("another path", with(pax(&[("path", "../x.db")]), &good), "\"path\" of a file"),
        ("another size", with(pax(&[("mtime", "1.5"), ("size", "1")]), &good), "\"size\" of a file"),
        ("another link", with(pax(&[("linkpath", "/etc")]), &good), "\"linkpath\""),
        ("holes", with(pax(&[("GNU.sparse.major", "1")]), &good), "tar -xf"),
        ("other holes", with(pax(&[("SCHILY.realsize", "1")]), &good), "SCHILY.realsize"),
        ("a path for all", with(entry(Kind::XGlobalHeader, "g", b"10 path=x\n"), &good), "\"path\""),
        ("a record of a false length", with(entry(Kind::XHeader, "x", b"99 mtime=1\n"), &good), "no sense"),
        (
            "a path behind a line's end",
            with(entry(Kind::XHeader, "x", b"23 comment=a\n9 path=x\n\n"), &good),
            "no sense",
        ),
        ("an endless record", with(entry(Kind::XHeader, "x", &vec![b'x'; 70_000]), &good), "65536 bytes"),
        ("an endless name", with(entry(Kind::GNULongName, "x", &vec![b'x'; 70_000]), &good), "65536 bytes"),
        ("a long way out", with([long("../x"), entry(Kind::Regular, "a", b"")].concat(), &good), "\"../x\""),
        ("two long names", with([long(one), long("state.db")].concat(), &good), "two names"),
        ("a long name of nothing", [whole.clone(), long(one)].concat(), "ends after a name"),
        ("a file twice", with(entry(Kind::Regular, "state.db", state), &good), "state.db twice"),
        ("a file twice in two spellings", with(entry(Kind::Regular, "./state.db", state), &good), "twice"),
        ("the list twice", with(entry(Kind::Regular, "backup.json", b"{}"), &good), "backup.json twice"),
        ("no list", plain(&good[..good.len() - 1].to_vec()), "there is no backup.json"),
        ("a file that is missing", plain(&good[1..].to_vec()), "state.db, which is not in it"),
        (
            "a file that is not listed",
            with(entry(Kind::Regular, "plugins-data/b/x.db", state), &good),
            "does not name",
        ),
        ("a list of nonsense", list("no"), "makes no sense"),
        (
            "a list of another version",
            list(r#"{"version":2,"outboard":"","made":"","files":[]}"#),
            "version is 2",
        ),
        (
            "a list that leads out",
            list(r#"{"version":1,"outboard":"","made":"","files":["../x.db"]}"#),
            "\"../x.db\"",
        ),
        ("a list without end", list(&" ".repeat(5 << 20)), "longer than"),
        ("cut in the first file", whole[..1000].to_vec(), "ends in the middle of \"state.db\""),
        ("cut in a header", whole[..whole.len() - 1200].to_vec(), "copy it again"),
        ("cut between two", whole[..512 + state.len()].to_vec(), "copy it again whole"),
        ("a false sum", broken, "no sense"),
        (
            "more than there is",
            instead(&good, "state.db", sized(Kind::Regular, "state.db", 1 << 40, state)),
            "ends in the middle",
        ),
        (
            "more than a number holds",
            instead(&good, "state.db", sized(Kind::Regular, "state.db", u64::MAX - 100, state)),
            "size overflow",
        ),
    ];
    let unusable = vec![
        ("no database", changed(&good, one, |bytes| bytes[..16].fill(b'x')), "SQLite"),
        ("an empty one", changed(&good, one, Vec::clear), "SQLite"),
        ("half of one", changed(&good, one, |bytes| bytes.truncate(5000)), one),
        ("a damaged one", changed(&good, "state.db", |bytes| bytes[100..2000].fill(0xff)), "state.db"),
    ];
    let data = dir.path().join("data");
    let before = snapshot(&data);
    let bad = dir.path().join("bad.tar");
    for (what, bytes, says) in refused.iter().chain(&unusable) {
        fs::write(&bad, bytes).unwrap();
        let error = restore(&data, &bad).expect_err(what);
        let told = error.to_string();
        assert!(told.contains(says) && told.contains("nothing was changed"), "{what}: {told}");
        let kind = matches!(error, RestoreError::Unusable { .. });
        let of_a_file = unusable.iter().any(|(unusable, ..)| unusable == what);
        assert_eq!(kind, of_a_file, "{what}: {error:?}");
        assert!(of_a_file || told.contains(bad.to_str().unwrap()), "{what}: {told}");
        assert!(snapshot(&data) == before, "{what}: {:?}", names(&data));
    }
    fs::write(&bad, whole).unwrap();
    restore(&data, &bad).unwrap();
    assert!(values(&data, &dir).await.iter().all(|value| value == "kept"));
}

#[tokio::test]
async fn a_backup_that_is_larger_than_the_free_disk_is_refused_before_a_byte_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    backup(&dir).await;
    let found = rustix::fs::statvfs(dir.path()).unwrap();
    let size = found.f_bavail * found.f_frsize + (1 << 30);
    // Holes, which take no place here and would take all of it there. The first file on the list is not a database, so that a restore
    // which does not look at the space ends there, before it fills the disk of whoever runs this.
    let first = "plugins-data/a/0.db";
    let list = format!(r#"{{"version":1,"outboard":"","made":"","files":["{first}","state.db"]}}"#);
    let small: Files = vec![(first.into(), b"no database".to_vec()), ("backup.json".into(), list.into())];
    let huge = dir.path().join("huge.tar");
    let file = File::create(&huge).unwrap();
    let head = sized(EntryType::Regular, "state.db", size, b"");
    file.write_all_at(&head, 0).unwrap();
    file.write_all_at(&plain(&small), head.len() as u64 + size.next_multiple_of(512)).unwrap();
    let data = dir.path().join("data");
    let before = snapshot(&data);
    let error = restore(&data, &huge).unwrap_err();
    assert!(matches!(&error, RestoreError::NoSpace { needed, .. } if *needed > size), "{error:?}");
    assert!(error.to_string().contains("Free some space"), "{error}");
    assert!(snapshot(&data) == before);
}

#[tokio::test]
async fn what_tar_unpacks_and_packs_again_is_restored_as_the_backup_itself_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fill(&data, &dir, "kept").await;
    // The longest names that there are, which no header has room for.
    let (id, file) = ("p".repeat(64), format!("{}.db", "d".repeat(125)));
    let context = open(&data);
    let plugin = process(&context, &dir, &id);
    call(&plugin, "database.open", json!({ "file": file })).await.unwrap();
    let longest = format!("plugins-data/{id}/{file}");
    fs::copy(data.join("plugins-data/a/0.db"), data.join(&longest)).unwrap();
    let safe = dir.path().join("safe.tar");
    let report = context.backup(&safe).await.unwrap();
    assert!(report.files.contains(&longest), "{report:?}");
    context.close().await;
    let unpacked = dir.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    tar(&["-xf", "../safe.tar"], &unpacked);
    let db = rusqlite::Connection::open(unpacked.join("plugins-data/a/0.db")).unwrap();
    assert_eq!(db.query_row("SELECT value FROM t", [], |row| row.get::<_, String>(0)).unwrap(), "kept");
    db.close().unwrap();
    tar(&["-cf", "../dot.tar", "."], &unpacked);
    tar(&["-cf", "../names.tar", "backup.json", "state.db", "plugins-data"], &unpacked);
    tar(&["--format=posix", "--owner=somebody", "-cf", "../posix.tar", "."], &unpacked);
    for backup in ["safe.tar", "unpacked", "dot.tar", "names.tar", "posix.tar"] {
        let other = dir.path().join(format!("data-from-{backup}"));
        let restored =
            restore(&other, &dir.path().join(backup)).map_err(|error| format!("{backup}: {error}"));
        if backup == "posix.tar" {
            // Its names are records; whoever has such an archive is told the way.
            assert!(restored.unwrap_err().contains("tar -xf"));
            continue;
        }
        let mut files = restored.unwrap().files;
        files.sort();
        let mut expected = report.files.clone();
        expected.sort();
        assert_eq!(files, expected, "{backup}");
        assert!(values(&other, &dir).await.iter().all(|value| value == "kept"), "{backup}");
        assert!(other.join(&longest).exists(), "{backup}");
    }
    fs::remove_file(unpacked.join(&longest)).unwrap();
    let list = fs::read_to_string(unpacked.join("backup.json")).unwrap();
    fs::write(unpacked.join("backup.json"), list.replace(&format!(",\n    \"{longest}\""), "")).unwrap();
    for format in ["posix", "ustar", "gnu", "v7"] {
        tar(&[&format!("--format={format}"), "--exclude=p*p", "-cf", "../again.tar", "."], &unpacked);
        let other = dir.path().join(format!("data-from-{format}"));
        restore(&other, &dir.path().join("again.tar")).unwrap();
        assert!(values(&other, &dir).await.iter().all(|value| value == "kept"), "{format}");
    }
}

#[tokio::test]
async fn a_folder_that_was_unpacked_is_distrusted_as_an_archive_is() {
    let dir = tempfile::tempdir().unwrap();
    backup(&dir).await;
    let unpacked = dir.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    tar(&["-xf", "../safe.tar"], &unpacked);
    let (data, folder) = (dir.path().join("data"), unpacked.join("plugins-data/a"));
    let before = snapshot(&data);
    let refused = |says: &str| {
        let told = restore(&data, &unpacked).unwrap_err().to_string();
        assert!(told.contains(says) && told.contains("nothing was changed"), "{told}");
        assert!(snapshot(&data) == before);
    };
    let elsewhere = dir.path().join("elsewhere");
    fs::rename(folder.join("0.db"), &elsewhere).unwrap();
    refused("0.db");
    std::os::unix::fs::symlink(&elsewhere, folder.join("0.db")).unwrap();
    refused("0.db");
    fs::remove_file(folder.join("0.db")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.join("0.db")).status().unwrap().success());
    refused("not a plain file");
    fs::remove_file(folder.join("0.db")).unwrap();
    fs::rename(&elsewhere, folder.join("0.db")).unwrap();
    fs::rename(&folder, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    refused("not a folder");
    let nothing = restore(&data, Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(nothing.contains("neither a file nor a folder"), "{nothing}");
    let missing = restore(&data, &dir.path().join("none.tar")).unwrap_err().to_string();
    assert!(missing.contains("none.tar") && missing.contains("cannot be opened"), "{missing}");
    assert!(snapshot(&data) == before);
}
