//! Asks a person at a terminal for the params of a template.

use std::io::{BufRead, Write};

use anyhow::bail;
use fieldline_compiler::ParamInfo;

use super::station::{self, Station};

/// Asks for every param that is not set yet, until the answer fits; an empty answer keeps the default.
///
/// `wrong` says what is wrong with the station as it is, if anything.
pub(crate) fn interview(
    station: &mut Station<'_>,
    wrong: &mut dyn FnMut(&Station<'_>) -> Option<String>,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> anyhow::Result<()> {
    let params: Vec<&ParamInfo> =
        station.params().iter().filter(|param| !station.is_set(&param.name)).collect();
    for param in params {
        writeln!(output, "{} ({})", param.name, station::describe(param))?;
        let default = station::default(param);
        loop {
            match default.as_deref() {
                Some("null") => write!(output, "  [nothing] ")?,
                Some(default) => write!(output, "  [{default}] ")?,
                None => write!(output, "  > ")?,
            }
            output.flush()?;
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                bail!("the answers ended at `{}`; nothing was written", param.name);
            }
            match line.trim() {
                "" if default.is_some() || param.secret => break,
                "" => writeln!(output, "  a value is needed")?,
                answer => {
                    station.answer(&param.name, answer);
                    let Some(problem) = wrong(station) else { break };
                    station.forget(&param.name);
                    writeln!(output, "  {problem}")?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn param(name: &str, kind: &'static str, default: Option<&str>) -> ParamInfo {
        ParamInfo {
            name: name.to_owned(),
            kind,
            default: default.map(Into::into),
            min: None,
            max: None,
            pattern: None,
            choices: Vec::new(),
            description: Some("What it is.".to_owned()),
            unit: None,
            secret: false,
        }
    }

    /// What is asked, and the file that comes of it. A line of seven or more is wrong.
    fn interviewed(params: &[ParamInfo], answers: &str) -> (String, anyhow::Result<String>) {
        let mut station =
            Station::new(Path::new("/t/base.yaml"), Path::new("/p/station.yaml"), params).expect("a station");
        let mut wrong =
            |station: &Station<'_>| station.text().contains("line7").then(|| "no line7 here".to_owned());
        let mut output = Vec::new();
        let result = interview(&mut station, &mut wrong, &mut answers.as_bytes(), &mut output);
        (String::from_utf8(output).expect("text"), result.map(|()| station.text()))
    }

    #[test]
    fn a_person_is_asked_until_the_answer_fits_and_an_empty_line_keeps_the_default() {
        let params = [
            param("line", "string", None),
            param("count", "integer", None),
            param("interval", "duration", Some("5s")),
            ParamInfo { default: Some(fieldline_core::Value::Null), ..param("most", "number", None) },
        ];
        let (asked, text) = interviewed(&params, "\nline7\nline22\n3\n\n\n");
        assert_eq!(
            asked,
            "line (string: What it is.)\n  >   a value is needed\n  >   no line7 here\n  > count (integer: What it is.)\n  > interval (duration: What it is.)\n  [5s] most (number: What it is.)\n  [nothing] "
        );
        assert_eq!(
            text.expect("all was answered"),
            "use: ../t/base.yaml\nparams:\n  line: line22\n  count: 3\n  # interval: 5s  (duration: What it is.)\n  # most: null  (number: What it is.)\n"
        );
    }

    #[test]
    fn a_text_that_looks_like_a_number_stays_a_text() {
        let (_, text) = interviewed(&[param("station", "string", None)], "22\n");
        assert_eq!(text.expect("all was answered"), "use: ../t/base.yaml\nparams:\n  station: '22'\n");
    }

    #[test]
    fn answers_that_end_early_are_an_error() {
        let (_, text) = interviewed(&[param("line", "string", None)], "\n");
        assert!(text.expect_err("no answer").to_string().contains("ended at `line`"));
    }
}
