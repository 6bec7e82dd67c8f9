//! A storm of sets, and a file in the data folder with a line for each that was acknowledged. At each start, what is kept is held
//! against that file: whatever is missing goes into the file `lost`.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::note;
use crate::wire::Wire;

/// So many threads set one key each, to 1, 2, 3 …, until the process ends.
pub(crate) fn begin(wire: &Arc<Wire>, data_dir: &Path, threads: u32) {
    note(data_dir, "pids", &std::process::id().to_string());
    let acknowledged = acknowledged(data_dir);
    for thread in 0..threads {
        let key = format!("storm-{thread}");
        let kept = wire.ask("config.get", json!({"key": key, "default": 0}))["result"]["value"].as_u64();
        let least = acknowledged.get(&key).copied().unwrap_or(0);
        if kept.is_none_or(|kept| kept < least) {
            note(data_dir, "lost", &format!("{key} is {kept:?}, and {least} was acknowledged"));
        }
        let (wire, data_dir) = (Arc::clone(wire), data_dir.to_owned());
        std::thread::spawn(move || set_on(&wire, &data_dir, &key, kept.unwrap_or(0)));
    }
}

fn acknowledged(data_dir: &Path) -> HashMap<String, u64> {
    let text = std::fs::read_to_string(data_dir.join("acknowledged")).unwrap_or_default();
    // A line that a kill cut off was not acknowledged to anybody.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().filter_map(|line| line.split_once(' '));
    lines.filter_map(|(key, value)| Some((key.to_owned(), value.parse::<u64>().ok()?))).fold(
        HashMap::new(),
        |mut all, (key, value)| {
            let most: &mut u64 = all.entry(key).or_default();
            *most = value.max(*most);
            all
        },
    )
}

fn set_on(wire: &Wire, data_dir: &Path, key: &str, from: u64) {
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(data_dir.join("acknowledged")).unwrap();
    for value in from + 1.. {
        let answer = wire.ask("config.set", json!({"key": key, "value": value}));
        if answer.get("result").is_some() {
            // In one write, so that lines of several threads never mix.
            file.write_all(format!("{key} {value}\n").as_bytes()).unwrap();
        }
    }
}
