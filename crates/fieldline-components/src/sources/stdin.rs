//! The `stdin` source: lines that are typed or piped into the program.
//!
//! A read of the standard input cannot be called off. So one thread reads it for as long as the program lives,
//! and whichever source is there takes the lines: neither a stop nor a reload waits for the next key press
//! or loses what was typed.

use std::io::{ErrorKind, Read};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, Claim, Clock, ComponentError, Config, Draft, Example, Facts,
    FieldPath, Kind, Line, Lines, Meta, Resource, Source,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, mpsc};

use crate::sources::records::{Records, Writing};
use crate::time_field::{TimeField, admit};

/// Pieces that may wait for the source; then whoever writes to us waits.
const QUEUE: usize = 16;

/// The most events handed over at once.
const MOST_EVENTS: usize = 256;

/// The fields of a `stdin`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StdinConfig {
    /// `jsonl` reads one JSON text a line, and a line that is none goes to the dead letter with its text and its
    /// number (`meta.line`); `text` makes `{"text": …}` of each line.
    #[serde(default)]
    format: Format,
    /// Where a reading says when it was taken, instead of when it arrives. One without a time goes to the dead letter.
    time: Option<TimeField>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// One JSON text a line.
    #[default]
    Jsonl,
    /// Any line, as `text`.
    Text,
}

impl Config for StdinConfig {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "stdin";
    const SUMMARY: &'static str = "Reads lines from the standard input.";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "JSON lines from another program", config: "{}", input: "", output: "" },
        Example { title: "Whatever is typed", config: "format: text", input: "", output: "" },
    ];

    fn facts(&self) -> Facts {
        let claim =
            Claim { resource: Resource::Named("the standard input".into()), field: FieldPath::root() };
        Facts { claims: vec![claim], ..Facts::default() }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let writing = match self.format {
            Format::Jsonl => Writing::Jsonl,
            Format::Text => Writing::Text,
        };
        Ok(Built::Source(Box::new(Stdin {
            node: cx.node.into(),
            records: Records::new(writing),
            time: self.time.clone(),
            input: None,
        })))
    }
}

struct Stdin {
    node: Arc<str>,
    records: Records,
    time: Option<TimeField>,
    input: Option<Arc<Mutex<Input>>>,
}

#[async_trait]
impl Source for Stdin {
    async fn connect(&mut self, _clock: &Clock) -> Result<(), ComponentError> {
        self.input = Some(standard_input()?);
        Ok(())
    }

    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        let Some(input) = &self.input else {
            return Err(ComponentError::retryable("not_open", "the standard input is not open"));
        };
        let mut input = input.lock().await;
        loop {
            if !input.wait_for_line().await {
                return Ok(None);
            }
            let lines = std::iter::from_fn(|| input.take_line()).take(MOST_EVENTS);
            let mut taken = Vec::new();
            for line in lines {
                self.records
                    .push(line, &mut taken)
                    .map_err(|error| ComponentError::permanent("bad_head", error))?;
            }
            let mut batch = Batch::default();
            for taken in taken {
                let (time, node) = (clock.time(), self.node.clone());
                match taken {
                    Ok(body) => {
                        let draft = Draft { body, meta: Meta::new(time, node) };
                        admit(draft, self.time.as_ref(), &mut batch);
                    }
                    Err(refusal) => batch.failed.push(refusal.into_failed(time, node)),
                }
            }
            if !(batch.events.is_empty() && batch.failed.is_empty()) {
                return Ok(Some(batch));
            }
        }
    }

    async fn close(&mut self) {
        self.input = None;
    }
}

/// What the reading thread has read and no source has taken.
struct Input {
    pieces: mpsc::Receiver<Vec<u8>>,
    lines: Lines,
    next: Option<Line>,
}

impl Input {
    /// Starts the thread that reads `reader` until its end.
    fn start(mut reader: impl Read + Send + 'static) -> std::io::Result<Self> {
        let (sender, pieces) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let mut piece = vec![0; 8 << 10];
            loop {
                let sent = match reader.read(&mut piece) {
                    Ok(0) => break,
                    Ok(count) => sender.blocking_send(piece[..count].to_vec()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => break,
                };
                if sent.is_err() {
                    break;
                }
            }
        })?;
        Ok(Input { pieces, lines: Lines::default(), next: None })
    }

    /// Waits until there is a line; `false` when there will be none. Cancel-safe.
    async fn wait_for_line(&mut self) -> bool {
        loop {
            self.next = self.next.take().or_else(|| self.lines.next_line());
            if self.next.is_some() {
                return true;
            }
            match self.pieces.recv().await {
                Some(piece) => self.lines.feed(&piece),
                None => {
                    self.next = self.lines.finish();
                    return self.next.is_some();
                }
            }
        }
    }

    /// A line that is there.
    fn take_line(&mut self) -> Option<Line> {
        self.next.take().or_else(|| self.lines.next_line())
    }
}

/// The one reader of the standard input.
fn standard_input() -> Result<Arc<Mutex<Input>>, ComponentError> {
    static INPUT: OnceLock<Result<Arc<Mutex<Input>>, ComponentError>> = OnceLock::new();
    let no_thread =
        |error| ComponentError::permanent("no_thread", format!("cannot read the standard input: {error}"));
    let start = || Input::start(std::io::stdin()).map(|input| Arc::new(Mutex::new(input)));
    INPUT.get_or_init(|| start().map_err(no_thread)).clone()
}

#[cfg(test)]
mod tests {
    use std::io::{Write as _, pipe};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::sources::rubbish::Rubbish;
    use crate::tokio_clock::tokio_clock;

    fn stdin(input: &Arc<Mutex<Input>>) -> Stdin {
        Stdin {
            node: "test".into(),
            records: Records::new(Writing::Text),
            time: None,
            input: Some(input.clone()),
        }
    }

    async fn texts(source: &mut Stdin) -> Vec<String> {
        let batch = source.next(&tokio_clock()).await.expect("it is open").expect("it has not ended");
        let text =
            |draft: &Draft| draft.body.as_map().and_then(|map| map["text"].as_text()).map(str::to_owned);
        batch.events.iter().filter_map(text).collect()
    }

    #[tokio::test]
    async fn the_next_source_gets_the_lines_the_last_one_did_not() {
        let (reader, mut writer) = pipe().expect("a pipe");
        let input = Arc::new(Mutex::new(Input::start(reader).expect("a thread")));
        writer.write_all(b"one\ntw").expect("the reader is there");
        let mut first = stdin(&input);
        assert_eq!(texts(&mut first).await, ["one"]);
        // The first source waits for the end of the second line, and is stopped.
        assert!(timeout(Duration::from_millis(1), first.next(&tokio_clock())).await.is_err());
        first.close().await;
        writer.write_all(b"o\nthree").expect("the reader is there");
        drop(writer);
        let mut second = stdin(&input);
        assert_eq!(texts(&mut second).await, ["two"]);
        assert_eq!(texts(&mut second).await, ["three"]);
        assert_eq!(second.next(&tokio_clock()).await, Ok(None));
    }

    #[test]
    fn a_runtime_ends_while_the_reader_waits_for_input() {
        let (reader, writer) = pipe().expect("a pipe");
        let input = Arc::new(Mutex::new(Input::start(reader).expect("a thread")));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut source = stdin(&input);
            assert!(timeout(Duration::from_millis(1), source.next(&tokio_clock())).await.is_err());
            source.close().await;
        });
        drop(runtime);
        drop(writer);
    }

    #[tokio::test]
    async fn every_line_of_rubbish_is_an_event_or_refused_with_its_text() {
        for (seed, writing) in [(1, Writing::Jsonl), (2, Writing::Text), (3, Writing::Jsonl)] {
            let rubbish = Rubbish::new(seed);
            let input = Input::start(std::io::Cursor::new(rubbish.text.clone())).expect("a thread");
            let mut source = stdin(&Arc::new(Mutex::new(input)));
            source.records = Records::new(writing);
            let mut batches = Vec::new();
            while let Some(batch) = source.next(&tokio_clock()).await.expect("it is open") {
                batches.push(batch);
            }
            rubbish.account_for(&batches);
        }
    }
}
