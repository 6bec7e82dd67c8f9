//! An error with everything that lies behind it: told in one sentence, or looked through for one thing.
//!
//! Errors say what they know and keep what they were given as their source. Whoever tells one to a person, or decides by what is
//! at its bottom, walks along the sources; this is that walk. Used by host, gateway and command line. It knows no error of ours.

use std::error::Error;
use std::fmt;

/// An error, then its source, then that one's source, to the last.
pub fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    // Of the error itself, and not of the reference to it.
    std::iter::successors(Some(error), |error| (**error).source())
}

/// Whether an error, or one behind it, is of a type and as it is looked for.
pub fn is_behind<E: Error + 'static>(error: &(dyn Error + 'static), is: impl Fn(&E) -> bool) -> bool {
    causes(error).any(|cause| cause.downcast_ref::<E>().is_some_and(&is))
}

/// Shows an error and those behind it, with colons between them.
#[derive(Debug)]
pub struct Told<'e>(pub &'e (dyn Error + 'static));

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, cause) in causes(self.0).enumerate() {
            let between = if index == 0 { "" } else { ": " };
            write!(f, "{between}{cause}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug)]
    struct Above(io::Error);

    impl fmt::Display for Above {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the file cannot be read")
        }
    }

    impl Error for Above {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_is_told_with_what_lies_behind_it_and_looked_through_to_the_last() {
        let error = Above(io::Error::other("no such device"));
        assert_eq!(Told(&error).to_string(), "the file cannot be read: no such device");
        assert!(is_behind(&error, |error: &io::Error| error.kind() == io::ErrorKind::Other));
        assert!(!is_behind(&error, |error: &io::Error| error.kind() == io::ErrorKind::NotFound));
    }
}
