//! The DNS label of a plugin: its id, or a hash of it where the id cannot be one.
//!
//! [`super::names`] asks. Must not know hosts.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// What a hash begins with. Ids with hyphens in these places are hashed themselves, so that nobody can take another's label.
const MARK: &str = "oh--";
/// Bytes of the hash: nobody finds two ids with the same.
const BYTES: usize = 20;
/// How long a hashed label is.
pub(super) const HASHED: usize = MARK.len() + 2 * BYTES;

/// The label of an id, of at most `longest` bytes.
pub(super) fn of(id: &str, longest: usize) -> Cow<'_, str> {
    // `xn--` begins what browsers decode, and its kind is reserved.
    let reserved = id.as_bytes().get(2..4) == Some(b"--");
    if id.len() <= longest && !reserved && !id.ends_with('-') {
        return Cow::Borrowed(id);
    }
    let digest = Sha256::digest(id.as_bytes());
    let mut label = MARK.to_owned();
    for byte in digest.iter().take(BYTES) {
        // Writing into a string cannot fail.
        let _ = write!(label, "{byte:02x}");
    }
    Cow::Owned(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_labels_stay_and_all_others_get_one_that_no_id_can_take() {
        for id in ["a", "landing-log", "0", "a--b", &"a".repeat(63)] {
            assert_eq!(of(id, 63), id);
        }
        let long = "a".repeat(64);
        let hashed = of(&long, 63);
        assert_eq!(hashed.len(), HASHED);
        for id in [long.as_str(), "ends-", "xn--80ak6aa92e", "ab--c", &hashed, "-"] {
            let label = of(id, 63);
            assert!(label.starts_with(MARK) && label != id && label.len() <= 63, "{id}: {label}");
        }
        assert_ne!(of(&hashed, 63), hashed);
    }
}
