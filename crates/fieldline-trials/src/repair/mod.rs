//! `cargo trials repair`: what a person does to repair a plant while its broker is away, and what the program has to make
//! of it: nothing is lost, nothing goes where it was not meant to go, and what is right stays.

mod site;

mod hosts;

mod outage;

mod judgement;

use std::path::Path;

use anyhow::Result;

/// One trial. It tells what it has seen, or which rule was broken.
struct Trial {
    name: &'static str,
    run: fn(&Path, &Path) -> Result<String>,
}

const TRIALS: &[Trial] = &[
    Trial { name: "url edited while the broker is away", run: outage::url_is_edited },
    Trial { name: "password edited while it is refused", run: outage::password_is_edited },
    Trial { name: "url edited, with a QoS 1 source", run: outage::url_is_edited_behind_a_broker },
    Trial { name: "15 edits while the broker is away, memory", run: outage::many_edits_in_memory },
    Trial { name: "15 edits while the broker is away, disk", run: outage::many_edits_on_disk },
    Trial { name: "topics edited after a burst", run: judgement::quiet_plant_is_edited },
    Trial { name: "script that fails", run: judgement::failing_script_is_told },
    Trial { name: "folder away for two seconds", run: judgement::folder_is_away },
    Trial { name: "only file away for two seconds", run: judgement::file_is_away },
    Trial {
        name: "other host, carried over, memory",
        run: |program, folder| hosts::carry(program, folder, ""),
    },
    Trial {
        name: "other host, carried over, disk",
        run: |program, folder| hosts::carry(program, folder, hosts::DISK),
    },
    Trial {
        name: "other host, loss accepted, memory",
        run: |program, folder| hosts::give_up(program, folder, ""),
    },
    Trial {
        name: "other host, loss accepted, disk",
        run: |program, folder| hosts::give_up(program, folder, hosts::DISK),
    },
    Trial {
        name: "same host, other port, memory",
        run: |program, folder| hosts::move_port(program, folder, ""),
    },
    Trial {
        name: "same host, other port, disk",
        run: |program, folder| hosts::move_port(program, folder, hosts::DISK),
    },
];

/// Runs `program` through the trials whose name has `part`, each in a folder of its own; tells each result through `say`.
/// Gives back how many went wrong.
pub fn run(program: &Path, part: &str, mut say: impl FnMut(String)) -> Result<usize> {
    let mut wrong = 0;
    for trial in TRIALS.iter().filter(|trial| trial.name.contains(part)) {
        let folder = tempfile::tempdir()?;
        let name = trial.name;
        match (trial.run)(program, folder.path()) {
            Ok(seen) => say(format!("{name:<44} right  {seen}")),
            Err(error) => {
                wrong += 1;
                let error = format!("{error:#}").replace('\n', "; ");
                say(format!("{name:<44} WRONG  {error}"));
            }
        }
    }
    Ok(wrong)
}
