//! Cases that are data: what is sent to a plugin that runs, and which answers have to come of it — these, once each, and no
//! others — and that it still answers a ping after it.

use serde_json::{Value, json};

use super::finding::{Finding, Seen};
use crate::record::Record;
use crate::stage::Stage;

/// The id of the ping after everything.
const AFTER: u64 = 1_000_010;

/// What is sent, and what has to come of it.
pub(crate) struct Exchange {
    /// The bytes, in pieces that are written apart. Line ends included.
    pub(crate) pieces: fn() -> Vec<Vec<u8>>,
    pub(crate) expected: &'static [Expect],
    /// Whether a frame of 8 MiB is among what is sent, which takes longer to read.
    pub(crate) large: bool,
}

/// An answer that has to come exactly once. Ids are JSON text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// A result or an error with this id.
    Answer(&'static str),
    /// An error with this id and code.
    Error(&'static str, i64),
    /// An error with the id null; with this code, where one is given.
    Null(Option<i64>),
}

impl Expect {
    fn id(self) -> Value {
        match self {
            Expect::Answer(id) | Expect::Error(id, _) => serde_json::from_str(id).unwrap_or_default(),
            Expect::Null(_) => Value::Null,
        }
    }

    fn judge(self, answer: &Value) -> Result<(), String> {
        let code = match self {
            Expect::Answer(_) => return Ok(()),
            Expect::Error(_, code) => Some(code),
            Expect::Null(code) => code,
        };
        match (answer["error"]["code"].as_i64(), code) {
            (None, _) => Err(format!("the answer should be an error and is {answer}")),
            (Some(is), Some(should)) if is != should => {
                Err(format!("the error should have code {should} and is {}", answer["error"]))
            }
            _ => Ok(()),
        }
    }
}

/// An exchange of one piece whose answers need no work.
pub(crate) const fn exchange(pieces: fn() -> Vec<Vec<u8>>, expected: &'static [Expect]) -> Exchange {
    Exchange { pieces, expected, large: false }
}

/// One line, with its line end.
pub(crate) fn line(text: &str) -> Vec<Vec<u8>> {
    vec![format!("{text}\n").into_bytes()]
}

impl Exchange {
    pub(crate) async fn look(&self, stage: &Stage) -> Finding {
        let conversation = stage.running().await?;
        conversation.send_pieces((self.pieces)());
        conversation.ask(AFTER, "ping", &json!({}));
        let answered = |record: &Record| {
            record.answer(&json!(AFTER)).is_some()
                && self.expected.iter().all(|one| record.answer(&one.id()).is_some())
        };
        let limits = conversation.limits();
        let limit = if self.large { limits.large() } else { limits.answer };
        conversation.until(limit, |record| record.answer(&json!(AFTER)).is_some()).await;
        conversation.until(limits.overtaken(), answered).await;
        let ended = stage.keep(conversation.finish().await);
        self.judge(&ended.record).map(|()| Seen::Holds)
    }

    fn judge(&self, record: &Record) -> Result<(), String> {
        for expected in self.expected {
            let id = expected.id();
            let answers: Vec<_> = record.answers_to(&id).collect();
            match answers.as_slice() {
                [] if record.answer(&json!(AFTER)).is_none() => {
                    return Err(format!("nothing was answered, the ping after it neither{}", end(record)));
                }
                [] => return Err(format!("no answer with the id {id} came; a ping after it was answered")),
                [answer] => expected.judge(answer)?,
                many => return Err(format!("{} answers with the id {id} came", many.len())),
            }
        }
        if record.answer(&json!(AFTER)).is_none() {
            return Err(format!("a ping after it was not answered{}", end(record)));
        }
        unexpected(record, |id| self.expected.iter().any(|one| one.id() == *id))
    }
}

fn end(record: &Record) -> String {
    match record.log.trim_end().lines().last() {
        Some(last) => format!("; its last words: {last}"),
        None => String::new(),
    }
}

/// Whether there is an answer that nobody asked for, or one too many. The host's own calls and pings have ids from a
/// million on.
pub(crate) fn unexpected(record: &Record, expected: impl Fn(&Value) -> bool) -> Result<(), String> {
    for answer in record.answers() {
        let id = answer.get("id").cloned().unwrap_or_default();
        let own = id.as_u64().is_some_and(|id| id >= 1_000_000);
        if !own && !expected(&id) {
            return Err(format!("an answer came that nobody had asked for: {answer}"));
        }
        if !id.is_null() && record.answers_to(&id).count() > 1 {
            return Err(format!("the call {id} was answered more than once"));
        }
    }
    Ok(())
}
