//! What of a text may reach a terminal: everything but what a terminal would obey, and what turns the direction of writing.
//!
//! Used for log records, for the console, and for whatever the command line shows. Must not know where a text came from.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters that move a terminal's cursor, start its sequences, end a line, turn the direction of writing, or cannot be seen
/// and say something to programs all the same.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || is_invisible(c)
}

/// Characters without a shape, so that two texts that differ look the same. The joiner and the selectors of which emoji are made
/// (U+200D, U+FE0E, U+FE0F) are none of these.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{200c}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        // what fills a place in Hangul, Khmer and Mongolian
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        // what chooses among shapes, of shorthand and of music
        | '\u{fe00}'..='\u{fe0d}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

/// Text on one line that can be shown anywhere: harmful characters are written out.
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_harmless(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_harmful(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// JSON text that says the same and can be shown anywhere: harmful characters in its strings become JSON's own escapes. The
/// white space between its tokens stays.
pub fn escape_json(text: &str) -> Cow<'_, str> {
    if is_harmless(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            // Only ever between tokens, as JSON has it.
            '\n' | '\r' | '\t' => out.push(c),
            c if is_harmful(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_harmless(text: &str) -> bool {
    text.bytes().all(|b| (0x20..0x7f).contains(&b)) || !text.chars().any(is_harmful)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out_and_text_of_any_script_stays() {
        for (given, shown) in [
            ("plain", "plain"),
            ("naïve 航空 👩‍✈️ שלום", "naïve 航空 👩‍✈️ שלום"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("\u{9b}31m\u{9d}0;t\u{9c}", "\\u{9b}31m\\u{9d}0;t\\u{9c}"),
            ("\u{7f}\u{202e}\u{2066}\u{200f}\u{61c}", "\\u{7f}\\u{202e}\\u{2066}\\u{200f}\\u{61c}"),
            ("a\nb\rc\td", "a\\nb\\rc\\td"),
            ("\u{e0041}", "\\u{e0041}"),
            ("a\u{200b}b\u{2060}c\u{ad}d", "a\\u{200b}b\\u{2060}c\\u{ad}d"),
            ("\u{200c}\u{2064}\u{180e}\u{3164}", "\\u{200c}\\u{2064}\\u{180e}\\u{3164}"),
            ("\u{e0100}\u{e01ef}\u{ffa0}\u{fe00}", "\\u{e0100}\\u{e01ef}\\u{ffa0}\\u{fe00}"),
            ("☂\u{fe0e}☂\u{fe0f}", "☂\u{fe0e}☂\u{fe0f}"),
        ] {
            assert_eq!(escape(given), shown);
        }
    }

    #[test]
    fn json_says_the_same_with_its_escapes() {
        let text = "{\n\t\"a\u{7f}\": [\"\u{9b}31m\u{202e}\", \"\u{e0041}é\"]\n}";
        let escaped = escape_json(text);
        assert!(!escaped.chars().any(|c| is_harmful(c) && !"\n\t".contains(c)), "{escaped}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert!(read(text).is_some());
        assert_eq!(read(text), read(&escaped));
    }
}
