//! What the kernel lets us promise: containment, limits, confinement.

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
use rustix::process::{PidfdFlags, Resource};

use super::{Finding, Verdict};

/// Each plugin takes some ten descriptors and each connection two; below this, a busy machine runs out.
const FILES_WANTED: u64 = 1024;

pub(super) fn look() -> Vec<Finding> {
    vec![proc(), containment(), leftovers(), pidfd(), limits(), cgroups(), confinement(), files()]
}

fn proc() -> Finding {
    match std::fs::read("/proc/self/stat") {
        Ok(_) => Finding::new("/proc", Verdict::Ok, "mounted: processes of plugins can be accounted for"),
        Err(error) => Finding::new(
            "/proc",
            Verdict::Broken,
            format!(
                "cannot be read ({error}); mount it, or processes that a plugin leaves behind cannot be found"
            ),
        ),
    }
}

fn containment() -> Finding {
    // This process starts nothing that could outlive it, so becoming a subreaper for a moment is harmless.
    match rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        Ok(()) => Finding::new(
            "containment",
            Verdict::Enforced,
            "this process can become a subreaper: a plugin's descendants are found and ended, however they fork",
        ),
        Err(error) => Finding::new(
            "containment",
            Verdict::Degraded,
            format!("no subreaper ({error}): processes that a plugin detaches may outlive it"),
        ),
    }
}

fn leftovers() -> Finding {
    if outboard_host::process::mark::can_be_put() {
        return Finding::new(
            "leftovers",
            Verdict::Enforced,
            "what plugins leave is found by the next start even where keeper and supervisor were killed together and it has \
             cleared its environment",
        );
    }
    Finding::new(
        "leftovers",
        Verdict::Degraded,
        "there is a limit on real-time processor time (`ulimit -R`), which would carry our mark: where keeper and supervisor are \
         killed together, a process that has left its session and cleared its environment is not found by the next start. \
         Run `outboard run` with `ulimit -R unlimited`",
    )
}

fn pidfd() -> Finding {
    match rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty()) {
        Ok(_) => {
            Finding::new("pidfd", Verdict::Enforced, "no signal can reach a stranger that took over a pid")
        }
        Err(error) => Finding::new(
            "pidfd",
            Verdict::Broken,
            format!(
                "pidfd_open fails ({error}); a kernel of 5.4 or newer, and a sandbox that allows the call, is needed"
            ),
        ),
    }
}

fn limits() -> Finding {
    let sentence = "memory, files, file size and processor time are limited for each process of a plugin";
    let root = rustix::process::geteuid().is_root();
    if root {
        let sentence = format!(
            "{sentence}; the number of processes is not, since the kernel does not apply that limit to root"
        );
        return Finding::new("limits", Verdict::Degraded, sentence);
    }
    Finding::new("limits", Verdict::Enforced, sentence)
}

fn cgroups() -> Finding {
    match std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers") {
        Ok(controllers) if !controllers.trim().is_empty() => Finding::new(
            "cgroup v2",
            Verdict::Degraded,
            format!(
                "controllers {}; not used by this version, so a plugin's processes are not limited as a sum",
                controllers.trim()
            ),
        ),
        _ => Finding::new(
            "cgroup v2",
            Verdict::Unavailable,
            "no controllers here: a plugin's processes cannot be limited as a sum, only each by itself",
        ),
    }
}

fn confinement() -> Finding {
    let not_used = "plugins are not confined by this version: a plugin may do whatever its user may";
    let sentence = match landlock_abi() {
        Some(abi) => format!("{not_used} (the kernel offers Landlock, ABI {abi} or later)"),
        None => format!("{not_used} (the kernel offers no Landlock)"),
    };
    Finding::new("confinement", Verdict::Unavailable, sentence)
}

/// Asked of the kernel by system call: /sys tells what was built, not what is switched on. Nothing is restricted, since the
/// rules are made and never applied.
fn landlock_abi() -> Option<u32> {
    let offered = |abi: ABI| {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(abi))
            .and_then(Ruleset::create)
            .is_ok()
    };
    // ABIs that added rights to files; those in between added others and are reported as the one before.
    [(5, ABI::V5), (3, ABI::V3), (2, ABI::V2), (1, ABI::V1)]
        .into_iter()
        .find(|(_, abi)| offered(*abi))
        .map(|(n, _)| n)
}

fn files() -> Finding {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let word = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let sentence = format!("{} open files, {} at most", word(limit.current), word(limit.maximum));
    if limit.current.is_some_and(|current| current < FILES_WANTED) {
        let sentence = format!("{sentence}; raise it with `ulimit -n {FILES_WANTED}` before `outboard run`");
        return Finding::new("descriptors", Verdict::Degraded, sentence);
    }
    Finding::new("descriptors", Verdict::Ok, sentence)
}
