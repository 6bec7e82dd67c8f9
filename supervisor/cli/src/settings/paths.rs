//! Where things are when nobody says: the folders of the XDG base directory rules.
//!
//! Called by [`super::merge`]. Touches no file.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, Xdg};

const OUR_NAME: &str = "outboard";
/// The settings file in its folder.
const FILE_NAME: &str = "outboard.toml";

/// The standard folders of this user.
pub(crate) struct Standard {
    xdg: Option<Xdg>,
}

impl Standard {
    /// Reads the XDG variables and the home folder. Relative values are ignored, as the rules say.
    pub(crate) fn of_this_user() -> Self {
        Self { xdg: Xdg::new().ok() }
    }

    /// The settings file that is read when none is named; `None` for a user without a home folder.
    pub(crate) fn settings_file(&self) -> Option<PathBuf> {
        self.xdg.as_ref().map(|xdg| xdg.config_dir().join(OUR_NAME).join(FILE_NAME))
    }

    /// The data folder.
    ///
    /// # Errors
    /// A sentence, for a user without a home folder.
    pub(crate) fn data_dir(&self) -> Result<PathBuf, String> {
        self.xdg.as_ref().map(|xdg| xdg.data_dir().join(OUR_NAME)).ok_or_else(|| {
            "there is no home folder to keep data in; set HOME, or name a folder with --data".to_owned()
        })
    }

    /// The runtime folder: in the user's own one where there is one, else in the temporary folder under a name that says
    /// whose it is. It is checked to be ours alone before it is used.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        match self.xdg.as_ref().and_then(Xdg::runtime_dir) {
            Some(dir) => dir.join(OUR_NAME),
            None => std::env::temp_dir().join(format!("{OUR_NAME}-{}", rustix::process::getuid().as_raw())),
        }
    }
}
