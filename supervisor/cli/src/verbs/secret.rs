//! Secrets from standard input or a file: never from the command line, where every user of the machine could read them.
//!
//! Called by `auth set` and `airline set`.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::failure::{Failure, Outcome};

/// Tokens have some kilobytes at most; a larger file is the wrong one.
const SECRET_MAX: u64 = 64 * 1024;
/// The name that means standard input.
const STDIN: &str = "-";

/// Whether this name means standard input.
pub(super) fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == STDIN
}

/// Reads a secret; white space around it does not belong to it.
pub(super) fn read(what: &str, file: &Path) -> Outcome<String> {
    let from = if is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() };
    let text = if is_stdin(file) { read_stdin(what) } else { File::open(file).and_then(read_bounded) };
    let text =
        text.map_err(|error| Failure::usage(format!("cannot read the {what} from {from}: {error}")))?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(Failure::usage(format!(
            "there is no {what} in {from}; give it there, on a line of its own"
        )));
    }
    Ok(secret.to_owned())
}

fn read_bounded(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(SECRET_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_MAX {
        return Err(io::Error::other(format!(
            "this is longer than {SECRET_MAX} bytes, so it cannot be a token"
        )));
    }
    Ok(text)
}

/// From a pipe until its end; from a person one line, which is not shown.
fn read_stdin(what: &str) -> io::Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return read_bounded(stdin.lock());
    }
    let mut stderr = io::stderr();
    write!(stderr, "{what}: ")?;
    let hidden = Hidden::begin();
    let mut line = Vec::new();
    // Byte by byte, so that the bound holds; a person types no faster.
    for byte in stdin.lock().take(SECRET_MAX).bytes() {
        match byte? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    drop(hidden);
    writeln!(stderr)?;
    String::from_utf8(line).map_err(io::Error::other)
}

/// While this lives, the terminal does not show what is typed.
struct Hidden(Option<Termios>);

impl Hidden {
    fn begin() -> Self {
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        let done = tcsetattr(io::stdin(), OptionalActions::Flush, &hidden);
        Self(done.is_ok().then_some(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that is gone needs no repair.
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}
