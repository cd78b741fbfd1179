//! The interpreter's errors as plain sentences, at the place in the file where they belong.

use std::path::Path;

use fieldline_core::suggest::nearest;
use rhai::{EvalAltResult, LexError, ParseError, ParseErrorType, Position};

use crate::error::ScriptError;
use crate::meter::Exhausted;
use crate::source::ScriptSource;
use crate::{division, joining};

/// A script that does not compile; `variables` are those it could have meant.
pub(crate) fn syntax(source: &ScriptSource, error: &ParseError, variables: &[&str]) -> ScriptError {
    let ParseError(kind, position) = error;
    let complain = |message: String| source.error(*position, message);
    match &**kind {
        ParseErrorType::VariableUndefined(name) => {
            let complaint = complain(format!("there is no variable `{name}`"));
            match (name.as_str(), nearest(name, variables.iter().copied())) {
                (_, Some(meant)) => complaint.with_help(format!("did you mean `{meant}`?")),
                ("event" | "body" | "payload" | "message" | "data", _) => {
                    complaint.with_help("the body of the event is `this`")
                }
                _ => complaint,
            }
        }
        ParseErrorType::BadInput(LexError::ImproperSymbol(name, _)) if name == "eval" => {
            complain("`eval` is not allowed: a script runs only what was checked".into())
        }
        ParseErrorType::UnknownOperator(name) if name == "/=" => {
            complain("`/=` is not an operator".into()).with_help("write `x = x / y`")
        }
        ParseErrorType::Reserved(name) => complain(format!("`{name}` is a reserved word")),
        ParseErrorType::AssignmentToConstant(name) => {
            complain(format!("`{name}` is a constant and cannot be changed"))
        }
        ParseErrorType::ExprTooDeep => complain("too many expressions are inside each other".into())
            .with_help("give a part of it a name with `let`"),
        ParseErrorType::UnexpectedEOF => complain("the script ends too early".into()),
        ParseErrorType::MissingToken(token, _) => complain(format!("`{token}` is missing here")),
        ParseErrorType::FnDuplicatedDefinition(name, _) => {
            complain(format!("the function `{name}` is defined twice"))
        }
        kind => complain(lower(&kind.to_string())),
    }
}

/// A script that failed while it ran.
pub(crate) fn failure(source: &ScriptSource, error: &EvalAltResult) -> ScriptError {
    let (inner, file, position) = innermost(error);
    let complaint = match file.filter(|file| Path::new(file) != source.origin.file) {
        Some(file) => ScriptSource::whole("", file).error(position, sentence(inner)),
        None => source.error(position, sentence(inner)),
    };
    match exhausted(inner) {
        Some(Exhausted::Steps) => {
            return complaint.with_help("a loop may have no end; otherwise raise `max_operations`");
        }
        Some(Exhausted::Time) => {
            return complaint.with_help("work on fewer values at a time");
        }
        None => {}
    }
    match inner {
        EvalAltResult::ErrorDataRace(..) => {
            complaint.with_help("copy what the inner function needs first: `let limit = this.limit;`")
        }
        EvalAltResult::ErrorFunctionNotFound(signature, _) if needs_fraction(signature) => {
            complaint.with_help("make it a number with a fraction: `x.to_float()`")
        }
        EvalAltResult::ErrorFunctionNotFound(signature, _) if joining::is_mixed(signature) => {
            complaint.with_help("join them with `` `${a}${b}` ``, or add numbers: `a.parse_float() + b`")
        }
        _ => complaint,
    }
}

/// The error at the bottom of nested calls, the file it happened in if that is known, and where.
pub(crate) fn innermost(error: &EvalAltResult) -> (&EvalAltResult, Option<&str>, Position) {
    let (mut error, mut file, mut position) = (error, None, error.position());
    while let EvalAltResult::ErrorInFunctionCall(_, source, inner, _) = error {
        if inner.position().is_none() {
            return (inner, file, position);
        }
        file = (!source.is_empty()).then_some(source.as_str()).or(file);
        position = inner.position();
        error = inner;
    }
    if let EvalAltResult::ErrorInModule(_, inner, _) = error {
        return innermost(inner);
    }
    (error, file, position)
}

/// The limit that the meter ended a run for.
fn exhausted(error: &EvalAltResult) -> Option<Exhausted> {
    match error {
        EvalAltResult::ErrorTerminated(token, _) => Exhausted::of(&token.as_immutable_string_ref().ok()?),
        _ => None,
    }
}

fn sentence(error: &EvalAltResult) -> String {
    match exhausted(error) {
        Some(Exhausted::Steps) => return "the script takes too many steps".into(),
        Some(Exhausted::Time) => return "the script takes too long".into(),
        None => {}
    }
    match error {
        EvalAltResult::ErrorStackOverflow(_) => "functions call each other too deeply".into(),
        EvalAltResult::ErrorTooManyVariables(_) => "there are too many variables".into(),
        EvalAltResult::ErrorTooManyModules(_) => "too many files are imported".into(),
        EvalAltResult::ErrorDataTooLarge(what, _) => too_large(what),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => not_applicable(signature),
        EvalAltResult::ErrorRuntime(thrown, _) => match thrown.as_immutable_string_ref() {
            Ok(text) if text.is_empty() => "the script threw an error".into(),
            Ok(text) => text.to_string(),
            Err(_) => format!("the script threw {thrown}"),
        },
        EvalAltResult::ErrorAssignmentToConstant(name, _)
        | EvalAltResult::ErrorNonPureMethodCallOnConstant(name, _) => {
            format!("a constant cannot be changed: `{name}`")
        }
        EvalAltResult::ErrorDataRace(..) => {
            "a variable cannot be used inside a function that works on that variable".into()
        }
        EvalAltResult::ErrorModuleNotFound(name, _) => format!("no file is imported as `{name}`"),
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("there is no variable `{name}`"),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            format!("{} is needed here, and this is {}", a(kind(wanted)), a(kind(found)))
        }
        other => lower(&without_position(other)),
    }
}

fn too_large(what: &str) -> String {
    let what = match what {
        "Length of string" => "a string",
        "Size of array/BLOB" => "a list",
        "Size of object map" => "a map",
        what => what,
    };
    let verb = if what.starts_with("the variables") { "are" } else { "is" };
    if what.ends_with("inside each other") {
        return format!("too many {what}");
    }
    format!("{what} {verb} too large")
}

/// `* (string, i64)` as a sentence.
fn not_applicable(signature: &str) -> String {
    let Some((name, kinds)) = signature.split_once(" (") else {
        return format!("there is no function `{signature}`");
    };
    let name = if name == division::NAME { "/" } else { name };
    let kinds: Vec<_> = kinds.trim_end_matches(')').split(", ").map(kind).collect();
    match (name.starts_with(|c: char| c.is_alphabetic()), kinds.as_slice()) {
        (true, [""]) => format!("`{name}` needs arguments"),
        (true, kinds) => format!("`{name}` does not take ({})", kinds.join(", ")),
        (false, [left, right]) => format!("`{name}` does not work on {left} and {right}"),
        (false, kinds) => format!("`{name}` does not work on {}", kinds.join(", ")),
    }
}

/// Whether a mathematical function was given a whole number, which the interpreter does not convert.
fn needs_fraction(signature: &str) -> bool {
    ["sqrt", "exp", "ln", "log", "sin", "cos", "tan", "hypot"]
        .iter()
        .any(|name| signature.starts_with(&format!("{name} (i64")))
}

/// The kinds of values as people call them.
fn kind(name: &str) -> &str {
    match name {
        "i64" => "integer",
        "f64" => "number",
        "()" | "(" => "null",
        "array" => "list",
        "blob" => "bytes",
        "bool" => "boolean",
        "char" => "character",
        "&str | ImmutableString | String" => "string",
        name => name,
    }
}

fn a(kind: &str) -> String {
    match kind {
        "null" | "bytes" => kind.to_owned(),
        "integer" => format!("an {kind}"),
        kind => format!("a {kind}"),
    }
}

fn without_position(error: &EvalAltResult) -> String {
    let text = error.to_string();
    match text.rfind(" (line ") {
        Some(end) if text.ends_with(')') => text[..end].to_owned(),
        _ => text,
    }
}

/// The interpreter's own words in our style: lower case, names in backticks, one line.
fn lower(text: &str) -> String {
    let text = text.replace('\'', "`").replace('\n', ", ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text,
    }
}
