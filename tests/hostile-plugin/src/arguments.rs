//! Faults of a plugin's early life, one argument each; the manifest's `run.command` gives them.

/// A stage at which the process can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Spawn,
    Handshake,
    Start,
    Stop,
}

/// What the answer to `initialize` is.
#[derive(Debug, Default)]
pub(crate) enum Handshake {
    #[default]
    Good,
    Future,
    Garbage,
    Refused,
    Never,
}

#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// `--as ROLE`: no plugin but a member of its family.
    pub(crate) role: Option<String>,
    /// `--exit-at STAGE` and `--code N`.
    exit_at: Option<Stage>,
    code: i32,
    /// `--handshake future|garbage|refused|never`.
    pub(crate) handshake: Handshake,
    /// `--start-error MESSAGE`.
    pub(crate) start_error: Option<String>,
    /// `--never-starts`: `start` is not answered.
    pub(crate) never_starts: bool,
    /// `--starts-on NOTIFICATION`: `start` is answered once that has come.
    pub(crate) starts_on: Option<String>,
    /// `--works-on-start SECONDS`: tells of progress for so long before it answers `start`.
    pub(crate) works_on_start: u64,
    /// `--ends-after-start CODE`: ends as soon as it runs.
    pub(crate) ends_after_start: Option<i32>,
    /// `--ignore-stop`: neither answers `stop` nor leaves at the end of its input.
    pub(crate) ignore_stop: bool,
    /// `--ignore-term`.
    pub(crate) ignore_term: bool,
    /// `--noise`: prints what is not a message before anything else.
    pub(crate) noise: bool,
    /// `--resumes`: declares onResume.
    pub(crate) resumes: bool,
    /// `--storm THREADS`: sets values without end as soon as it runs.
    pub(crate) storm: u32,
    /// `--prefix PREFIX`, as often as wanted.
    pub(crate) prefixes: Vec<String>,
}

impl Arguments {
    pub(crate) fn read() -> Self {
        let mut read = Self { code: 1, ..Self::default() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
            match word.as_str() {
                "--as" => read.role = Some(value()),
                "--exit-at" => read.exit_at = Some(stage(&value())),
                "--code" => read.code = value().parse().unwrap(),
                "--handshake" => read.handshake = handshake(&value()),
                "--start-error" => read.start_error = Some(value()),
                "--never-starts" => read.never_starts = true,
                "--starts-on" => read.starts_on = Some(value()),
                "--works-on-start" => read.works_on_start = value().parse().unwrap(),
                "--ends-after-start" => read.ends_after_start = Some(value().parse().unwrap()),
                "--ignore-stop" => read.ignore_stop = true,
                "--ignore-term" => read.ignore_term = true,
                "--noise" => read.noise = true,
                "--resumes" => read.resumes = true,
                "--storm" => read.storm = value().parse().unwrap(),
                "--prefix" => read.prefixes.push(value()),
                // Words that speak of a debugger inside the program; whether there is one is another matter.
                "--inspect" | "debugpy" => {}
                _ if word.starts_with("--inspect=") => {}
                unknown => panic!("no fault is called {unknown}"),
            }
        }
        read
    }

    pub(crate) fn end_at(&self, stage: Stage) {
        if self.exit_at == Some(stage) {
            eprintln!("leaving at {stage:?} as told");
            std::process::exit(self.code);
        }
    }
}

fn stage(word: &str) -> Stage {
    match word {
        "spawn" => Stage::Spawn,
        "handshake" => Stage::Handshake,
        "start" => Stage::Start,
        "stop" => Stage::Stop,
        unknown => panic!("no stage is called {unknown}"),
    }
}

fn handshake(word: &str) -> Handshake {
    match word {
        "future" => Handshake::Future,
        "garbage" => Handshake::Garbage,
        "refused" => Handshake::Refused,
        "never" => Handshake::Never,
        unknown => panic!("no handshake is called {unknown}"),
    }
}
