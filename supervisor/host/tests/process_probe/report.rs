//! What a program finds about itself when it has been started, a line each on standard error.

use std::io::Write;

use outboard_host::process::facts;

pub fn about_self() {
    let mut lines = vec![
        format!("descriptors={:?}", inherited_descriptors()),
        format!("cwd={}", std::env::current_dir().unwrap().display()),
        format!("pid={}", std::process::id()),
    ];
    lines.extend(std::env::vars().map(|(name, value)| format!("env.{name}={value}")));
    let stat = facts::stat(i32::try_from(std::process::id()).unwrap()).unwrap();
    lines.push(format!("session={}", stat.session));
    lines.push(format!("group={}", stat.group));
    for line in std::fs::read_to_string("/proc/self/status").unwrap().lines() {
        let (name, value) = line.split_once(':').unwrap();
        lines.push(format!("status.{name}={}", value.trim()));
    }
    for line in std::fs::read_to_string("/proc/self/limits").unwrap().lines().skip(1) {
        let (name, values) = line.split_at(26);
        lines.push(format!(
            "limits.{}={}",
            name.trim(),
            values.split_whitespace().collect::<Vec<_>>().join(" ")
        ));
    }
    lines.push(String::new());
    std::io::stderr().write_all(lines.join("\n").as_bytes()).unwrap();
}

/// All but the folder that is being read.
fn inherited_descriptors() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().map(Result::unwrap);
    let inherited = entries.filter(|entry| {
        let target = std::fs::read_link(entry.path()).unwrap();
        !target.starts_with("/proc")
    });
    let mut numbers: Vec<i32> =
        inherited.map(|entry| entry.file_name().to_str().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}
