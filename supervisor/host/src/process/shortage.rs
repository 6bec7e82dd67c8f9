//! Which failures speak of the machine's state and not of what was tried, so that another try may succeed.
//!
//! Asked by whoever starts something and has to say whether trying again is of use. It must not try.

use std::error::Error;
use std::io;

use rustix::io::Errno;

const SHORTAGES: [Errno; 8] = [
    Errno::AGAIN,
    Errno::NOMEM,
    Errno::NOBUFS,
    Errno::MFILE,
    Errno::NFILE,
    Errno::TXTBSY,
    Errno::NOSPC,
    Errno::DQUOT,
];

/// What keeps us from connecting to anybody. EAGAIN is not among them: it says that the other side's queue is full.
const NO_WAY_OUT: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL];

/// Whether this error number does.
pub(crate) fn is_errno(errno: i32) -> bool {
    SHORTAGES.iter().any(|shortage| shortage.raw_os_error() == errno)
}

/// Whether this error does, or one that is behind it.
pub(crate) fn is_behind(error: &(dyn Error + 'static)) -> bool {
    any_behind(error, is_errno)
}

/// Whether a connection could not be made because this process, or this machine, was short of something.
pub(crate) fn is_ours_in_connecting(error: &(dyn Error + 'static)) -> bool {
    any_behind(error, |errno| NO_WAY_OUT.iter().any(|shortage| shortage.raw_os_error() == errno))
}

fn any_behind(error: &(dyn Error + 'static), is: impl Fn(i32) -> bool) -> bool {
    outboard_causes::is_behind(error, |error: &io::Error| error.raw_os_error().is_some_and(&is))
}
