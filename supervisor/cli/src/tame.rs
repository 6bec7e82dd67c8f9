//! Text from elsewhere, made safe for a terminal.
//!
//! Used by whatever prints: the verbs through [`crate::render`], failures by themselves.

use outboard_context::terminal::escape;

/// Text from elsewhere as part of a line: what a terminal would obey is shown, never sent.
pub(crate) fn tame(text: &str) -> String {
    escape(&text.replace('\t', "    ")).into_owned()
}

/// Whole lines, made safe for a terminal whatever they are made of.
pub(crate) fn harmless(text: &str) -> String {
    text.split('\n').map(tame).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_ends_and_nothing_that_a_terminal_obeys() {
        assert_eq!(harmless("\u{1b}[31mbad\u{1b}[0m\n\tend"), "\\u{1b}[31mbad\\u{1b}[0m\n    end");
        assert_eq!(harmless("plain\nlines\n"), "plain\nlines\n");
    }
}
