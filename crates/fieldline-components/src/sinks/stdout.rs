//! The `stdout` sink: shows events where the program was started.

use std::io::{ErrorKind, Write as _};

use async_trait::async_trait;
use fieldline_core::{
    BuildCx, BuildError, Built, ComponentError, Config, Event, Example, Kind, Sink, WriteError, json, rfc3339,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// The fields of a `stdout`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StdoutConfig {
    /// `jsonl` writes the body as one line of JSON; `pretty` puts time and source before it, for people.
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// The body, one JSON text a line.
    #[default]
    Jsonl,
    /// Time, source and body, for people.
    Pretty,
}

impl Config for StdoutConfig {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "stdout";
    const SUMMARY: &'static str = "Writes events to the standard output.";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "One line of JSON for each event", config: "{}", input: "", output: "" },
        Example {
            title: "With time and source, for people",
            config: "format: pretty",
            input: "",
            output: "",
        },
    ];

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(Stdout {
            output: tokio::io::stdout(),
            format: self.format,
            text: Vec::new(),
        })))
    }
}

struct Stdout<W> {
    output: W,
    format: Format,
    text: Vec<u8>,
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> Sink for Stdout<W> {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut refused = Vec::new();
        self.text.clear();
        for (place, event) in events.iter().enumerate() {
            let before = self.text.len();
            if let Err(error) = append(event, self.format, &mut self.text) {
                self.text.truncate(before);
                refused.push((place, error));
            }
        }
        self.output.write_all(&self.text).await.map_err(|error| write_error(&error))?;
        self.output.flush().await.map_err(|error| write_error(&error))?;
        if refused.is_empty() { Ok(()) } else { Err(WriteError::Some(refused)) }
    }
}

fn append(event: &Event, format: Format, text: &mut Vec<u8>) -> Result<(), ComponentError> {
    if format == Format::Pretty {
        let meta = event.meta();
        write!(text, "{} {} ", rfc3339(meta.time), meta.source)
            .map_err(|error| ComponentError::permanent("not_json", error))?;
    }
    json::encode_into(event.body(), text).map_err(|error| ComponentError::permanent("not_json", error))?;
    text.push(b'\n');
    Ok(())
}

/// Whoever read the output has gone for good when the pipe is broken; anything else may pass.
fn write_error(error: &std::io::Error) -> ComponentError {
    match error.kind() {
        ErrorKind::BrokenPipe => {
            ComponentError::permanent("broken_pipe", "nobody reads the standard output any more")
        }
        _ => ComponentError::retryable("io", format!("cannot write to the standard output: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use fieldline_core::{Door, Meta, Receipt, Value};
    use jiff::Timestamp;

    use super::*;

    fn event(body: Value) -> Event {
        Event::new(body, Meta::new(Timestamp::UNIX_EPOCH, "drying/air".into()), Receipt::untracked())
    }

    async fn write<W: AsyncWrite + Send + Unpin>(
        output: W,
        format: Format,
        bodies: Vec<Value>,
    ) -> (W, Result<(), WriteError>) {
        let mut sink = Stdout { output, format, text: Vec::new() };
        let events: Vec<Event> = bodies.into_iter().map(event).collect();
        let result = sink.write(&events).await;
        events.into_iter().for_each(|event| event.finish(Door::Delivered));
        (sink.output, result)
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_named_and_the_rest_is_written() {
        let bodies = vec![Value::Int(1), Value::Float(f64::NAN), Value::Int(2)];
        let (output, result) = write(Vec::new(), Format::Jsonl, bodies).await;
        assert_eq!(output, b"1\n2\n");
        let Err(WriteError::Some(refused)) = result else { panic!("{result:?}") };
        assert_eq!(
            refused.iter().map(|(place, error)| (*place, error.reason())).collect::<Vec<_>>(),
            [(1, "not_json")]
        );
    }

    #[tokio::test]
    async fn people_see_time_and_source() {
        let (output, _) = write(Vec::new(), Format::Pretty, vec![Value::Int(1)]).await;
        assert_eq!(output, b"1970-01-01T00:00:00.000000Z drying/air 1\n");
    }

    #[tokio::test]
    async fn a_reader_that_has_gone_is_not_tried_again() {
        let (near, far) = tokio::io::duplex(8);
        drop(far);
        let (_, result) = write(near, Format::Jsonl, vec![Value::Int(1)]).await;
        let Err(WriteError::All(error)) = result else { panic!("{result:?}") };
        assert_eq!((error.is_retryable(), error.reason()), (false, "broken_pipe"));
    }
}
