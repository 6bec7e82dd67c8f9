//! Which failures speak of the machine's state and not of what was tried, so that another try may succeed.
//!
//! Asked by whoever starts something and has to say whether trying again is of use. It must not try.

use std::error::Error;
use std::io;

use rustix::io::Errno;

const SHORTAGES: [Errno; 7] =
    [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY, Errno::NOSPC, Errno::DQUOT];

/// Whether this error number does.
pub(crate) fn is_errno(errno: i32) -> bool {
    SHORTAGES.iter().any(|shortage| shortage.raw_os_error() == errno)
}

/// Whether this error does, or one that is behind it.
pub(crate) fn is_behind(error: &(dyn Error + 'static)) -> bool {
    let mut deeper = Some(error);
    while let Some(error) = deeper {
        let errno = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
        if errno.is_some_and(is_errno) {
            return true;
        }
        deeper = error.source();
    }
    false
}
