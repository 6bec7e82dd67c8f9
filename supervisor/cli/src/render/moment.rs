//! Moments as people read them. The wire has RFC 3339 in UTC.

use jiff::{SignedDuration, Timestamp};

/// How long ago a moment was, roughly: `3s`, `12m`, `5h`, `9d`. A moment that cannot be read is shown as it is.
pub(crate) fn ago(moment: &str) -> String {
    let Ok(then) = moment.parse::<Timestamp>() else { return moment.to_owned() };
    rough(Timestamp::now().duration_since(then))
}

/// A length of time, roughly.
fn rough(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number of milliseconds as people say it.
pub(crate) fn span(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        _ => rough(SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX))),
    }
}
