//! What is said of an end and of what follows it: in logs, in `outboard why`, and on a 503.

use std::time::Duration;

use outboard_lifecycle::{Cause, Decision, Desired, Exit, Generation, Mishap, StopReason};

#[test]
fn an_end_reads_as_a_sentence_and_gives_its_code_or_its_signal() {
    let segv = |core_dumped| Exit::Signal { number: 11, name: "SIGSEGV", core_dumped };
    for (exit, sentence, code, signal) in [
        (Exit::Code(3), "exited with code 3", Some(3), None),
        (segv(false), "was killed by SIGSEGV (11)", None, Some(11)),
        (segv(true), "was killed by SIGSEGV (11, core dumped)", None, Some(11)),
        (Exit::Unknown, "ended in a way that was not recorded", None, None),
    ] {
        assert_eq!((exit.to_string().as_str(), exit.code(), exit.signal()), (sentence, code, signal));
        assert_eq!(Mishap::Exited(exit).to_string(), format!("it {sentence}"));
    }
}

#[test]
fn a_refusal_is_one_line_and_what_the_plugin_said_below_it_is_its_detail() {
    let said = |why: &str| Mishap::StartRejected(why.to_owned());
    let stack = said("\r\nno such table\n  at open\n  at start\n");
    assert_eq!(stack.to_string(), "its start was rejected: no such table");
    assert_eq!(stack.detail(), Some("  at open\n  at start"));
    for short in ["no such table", "no such table\n"] {
        assert_eq!(said(short).to_string(), "its start was rejected: no such table");
        assert_eq!(said(short).detail(), None);
    }
    assert_eq!(Mishap::Incompatible("version 9\nof 2".to_owned()).detail(), Some("of 2"));
    assert_eq!(Mishap::SpawnFailed("no such file\nat all".to_owned()).detail(), None);
}

#[test]
fn each_decision_has_a_stable_word_and_a_sentence() {
    let errored = |cause| Decision::Errored { cause, diagnosis: "seen".to_owned() };
    let restart_in = |delay| Decision::RestartIn { delay, attempt: 2, of: 10 };
    for (decision, name, sentence) in [
        (Decision::Stopped { reason: StopReason::Stop }, "stopped", "stays stopped (order: stop)"),
        (Decision::StartAgain { reason: StopReason::Restart }, "start-again", "start again (order: restart)"),
        (
            Decision::RestartAtOnce { attempt: 1, of: 10 },
            "restart-at-once",
            "restart at once, attempt 1 of 10",
        ),
        (restart_in(Duration::from_millis(9999)), "restart-in", "restart in 9999 ms, attempt 2 of 10"),
        (restart_in(Duration::from_secs(10)), "restart-in", "restart in 10 s, attempt 2 of 10"),
        (
            Decision::TryAgainIn { delay: Duration::from_secs(1) },
            "try-again-in",
            "try again in 1000 ms; the machine was short, which counts against nobody",
        ),
        (Decision::RollBack { to: "1.0.0".to_owned() }, "roll-back", "roll back to version 1.0.0"),
        (errored(Cause::StartRejected), "errored", "errored (start-rejected)"),
        (errored(Cause::CrashLoop), "errored", "errored (crash-loop): seen"),
    ] {
        assert_eq!((decision.name(), decision.to_string().as_str()), (name, sentence));
    }
}

#[test]
fn what_is_wanted_is_up_or_down_and_a_generation_is_a_number() {
    assert_eq!((Desired::Up.name(), Desired::Down.name()), ("up", "down"));
    assert_eq!(Generation(7).next().to_string(), "8");
}

#[test]
fn each_cause_has_a_stable_word_that_names_it_again_and_says_what_to_do() {
    let causes = [
        (Cause::StartRejected, "start-rejected", true, "correct that, then start it again"),
        (Cause::Incompatible, "incompatible", true, "correct that, then start it again"),
        (Cause::CrashLoop, "crash-loop", false, "read its log, then start it again"),
        (Cause::CannotSpawn, "cannot-spawn", true, "correct the path or the file that is named"),
        (Cause::NotEmpty, "not-empty", false, "end it, then start the plugin again"),
        (Cause::Internal, "internal", false, "please report it, then start it"),
    ];
    for (cause, name, is_refusal, to_do) in causes {
        assert_eq!((cause.name(), Cause::named(name), cause.is_refusal()), (name, Some(cause), is_refusal));
        assert!(cause.sentence().contains(to_do), "{}", cause.sentence());
    }
    assert_eq!(Cause::named("no-such-cause"), None);
}
