//! [`Exit`]: how a command ends. One table has every exit code; `--help` and the page `exit-codes` are made from it.

use std::process::ExitCode;

/// How a command ends. Commands return it, so there is no exit code beside these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Done,
    /// Something went wrong that the message names.
    Failed,
    /// The command was used in a wrong way, as clap has it.
    WrongUsage,
    /// A change would lose state or events, or has lost events; a run that ended by itself has lost events or put some
    /// into the dead letter; or a stop has lost events, or has left them behind because something hangs.
    Loss,
    /// A change was taken back.
    RolledBack,
    /// A shadow service refused the question.
    Rejected,
    /// A shadow service cannot be reached, or does not answer.
    Unreachable,
    /// A pipeline file has errors (`EX_CONFIG` of sysexits.h).
    BadConfig,
    /// A second Ctrl-C during the grace, as shells have it.
    Interrupted,
    /// A second SIGTERM during the grace, as shells have it.
    Terminated,
}

/// A row of the table.
struct Row {
    exit: Exit,
    number: u8,
    meaning: &'static str,
    /// The commands that end so; none where all may.
    commands: &'static [&'static str],
}

const TABLE: [Row; 10] = [
    Row { exit: Exit::Done, number: 0, meaning: "All went well.", commands: &[] },
    Row {
        exit: Exit::Failed,
        number: 1,
        meaning: "Something went wrong that the message names. `test`: a case has failed. `status`: the program is not \
                  healthy. `replay`: a letter could not be put in.",
        commands: &[],
    },
    Row {
        exit: Exit::WrongUsage,
        number: 2,
        meaning: "The command does not exist, or its options are wrong or incomplete.",
        commands: &[],
    },
    Row {
        exit: Exit::Loss,
        number: 3,
        meaning: "`plan`: the change would lose state or events. `reload`: applied, but events of nodes that were cut off \
                  are lost. `run`: the stop has lost events or left them behind, or a run that ended by itself has lost \
                  events or put some into the dead letter.",
        commands: &["plan", "reload", "run"],
    },
    Row {
        exit: Exit::RolledBack,
        number: 4,
        meaning: "These files have run before and were taken back.",
        commands: &["reload"],
    },
    Row {
        exit: Exit::Rejected,
        number: 5,
        meaning: "The shadow service, or the broker before it, has refused.",
        commands: &["shadow"],
    },
    Row {
        exit: Exit::Unreachable,
        number: 6,
        meaning: "The shadow service cannot be reached, or gives no answer in time.",
        commands: &["shadow"],
    },
    Row {
        exit: Exit::BadConfig,
        number: 78,
        meaning: "A pipeline file has errors. `run`: nothing is left that can run. `reload`: rejected, or applied beside \
                  a file with errors. `plan`: a file has errors, or the reload would be rejected.",
        commands: &["check", "graph", "new", "plan", "reload", "run", "shadow", "test"],
    },
    Row {
        exit: Exit::Interrupted,
        number: 130,
        meaning: "A second Ctrl-C during the grace has ended it at once.",
        commands: &["run"],
    },
    Row {
        exit: Exit::Terminated,
        number: 143,
        meaning: "A second SIGTERM during the grace has ended it at once.",
        commands: &["run"],
    },
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        // Every code has a row, which a test sees to.
        TABLE.iter().find(|row| row.exit == exit).map_or(1, |row| row.number).into()
    }
}

/// The exit codes of a command, or of all, for the end of `--help`.
pub(crate) fn help(command: Option<&str>) -> String {
    let mut text = String::from("Exit codes:\n");
    for row in &TABLE {
        if row.commands.is_empty() || command.is_none_or(|command| row.commands.contains(&command)) {
            text += &format!("  {:>3}  {}\n", row.number, row.meaning.replace('`', ""));
        }
    }
    text
}

/// The page of exit codes, in Markdown.
pub(crate) fn page() -> String {
    let mut text = String::from(
        "# exit-codes\n\nThe exit code of a command tells a script how it ended.\n\n\
         | Code | Commands | Meaning |\n|---|---|---|\n",
    );
    for row in &TABLE {
        let commands: Vec<String> = row.commands.iter().map(|command| format!("`{command}`")).collect();
        let commands = if commands.is_empty() { "all".to_owned() } else { commands.join(", ") };
        text += &format!("| {} | {commands} | {} |\n", row.number, row.meaning);
    }
    text + "\nA shell shows 128 and the number of the signal for a program that was killed, such as 137.\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands")
    }

    /// The names of the codes that the source of a command mentions.
    #[expect(clippy::disallowed_methods, reason = "tests look at real files")]
    fn mentioned(command: &str) -> BTreeSet<String> {
        let folder = folder().join(command);
        let mut files = vec![folder.with_extension("rs")];
        if folder.is_dir() {
            files = std::fs::read_dir(folder)
                .expect("a folder")
                .map(|file| file.expect("a file").path())
                .collect();
        }
        let mut names = BTreeSet::new();
        for file in files {
            let text =
                std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            for rest in text.split("Exit::").skip(1) {
                names.insert(rest.chars().take_while(|letter| letter.is_alphanumeric()).collect());
            }
        }
        names
    }

    #[test]
    fn every_command_ends_with_the_codes_that_the_table_says() {
        let sources = std::fs::read_dir(folder()).expect("a folder");
        let commands: Vec<String> = sources
            .map(|source| source.expect("a file").path().file_stem().expect("a name").display().to_string())
            .collect();
        assert!(commands.len() > 10, "{commands:?}");
        for row in TABLE.iter().filter(|row| !row.commands.is_empty()) {
            let name = format!("{:?}", row.exit);
            let found: BTreeSet<&str> = commands
                .iter()
                .map(String::as_str)
                .filter(|command| mentioned(command).contains(&name))
                .collect();
            assert_eq!(found, row.commands.iter().copied().collect(), "{name}");
        }
    }

    #[test]
    fn numbers_rise_so_that_each_stands_for_one_ending() {
        assert!(TABLE.windows(2).all(|pair| pair[0].number < pair[1].number));
        // The compiler counts the variants.
        assert_eq!(TABLE.len(), Exit::Terminated as usize + 1);
        assert!(TABLE.iter().enumerate().all(|(index, row)| row.exit as usize == index));
    }
}
