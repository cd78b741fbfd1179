//! The pipeline that `fieldline new` writes without a template.

use std::path::Path;

/// A small pipeline that passes its check and its test. It is called after the file.
pub(crate) fn text(file: &Path) -> String {
    let name = serde_yaml::to_string(&name(file)).unwrap_or_else(|_| "pipeline".to_owned());
    TEXT.replace("NAME", name.trim_end())
}

const TEXT: &str = "\
# A pipeline: sources bring events in, transforms work on them, sinks take them out.
# `fieldline explain` lists all there is, `fieldline explain bme680` tells every field of one.
pipeline: NAME
description: Readings of the air, one every five seconds.

sources:
  # A simulated sensor. For a real one on a Raspberry Pi write `bus: /dev/i2c-1`.
  air: { type: bme680, bus: simulated, every: 5s, read: [temperature] }

transforms:
  # A reading that failed has `status: fail`; it is counted as filtered and goes no further.
  good: { type: filter, inputs: air, keep: { status: success } }

sinks:
  print: { type: stdout, inputs: good, format: pretty }

# `fieldline test` runs these, in no time and without a sensor.
tests:
  - name: a failed reading goes no further
    feed:
      air:
        - { temperature: 21.5, status: success }
        - { temperature: ~, status: fail }
    expect:
      print:
        - { temperature: 21.5 }
";

/// What the pipeline of `file` may be called: the file's name, with `_` for what a name cannot have.
fn name(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let name: String = stem.chars().map(|letter| if fits(letter) { letter } else { '_' }).collect();
    match name.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric()) {
        "" => "pipeline".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pipeline_is_called_after_its_file() {
        assert!(text(Path::new("a/drying.yaml")).contains("\npipeline: drying\n"));
        assert!(text(Path::new("_tür 7.yaml")).contains("\npipeline: t_r_7\n"));
        assert!(text(Path::new("22.yaml")).contains("\npipeline: '22'\n"));
        assert!(text(Path::new("_.yaml")).contains("\npipeline: pipeline\n"));
    }
}
