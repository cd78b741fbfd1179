//! Runs a file of shadow test vectors: the one named by `SHADOW_VECTORS`, else `../shared/vectors/shadow.json`
//! beside the workspace. Without either the test says so and passes; our own cases do not depend on it.

mod differences;
mod expectations;
mod run;
mod three_way;

use std::path::PathBuf;

use fieldline_shadow::json::{self, Json, Object};

/// One vector of the file.
struct Vector(Object);

impl Vector {
    fn text(&self, member: &str) -> &str {
        self.0.get(member).and_then(Json::as_str).unwrap_or_default()
    }

    /// The member, with null and absence told apart.
    fn member(&self, member: &str) -> Option<&Json> {
        self.0.get(member)
    }

    fn follows_aws(&self) -> bool {
        matches!(self.text("profile"), "aws" | "both")
    }
}

#[test]
fn vectors_of_aws_pass_and_every_difference_from_the_others_is_stated() {
    let vectors = match vectors() {
        Ok(vectors) => vectors,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let mut tally = Tally::default();
    for vector in &vectors {
        let line = judge(vector, &mut tally);
        println!("{line:<12} {:<11} {}", vector.text("profile"), vector.text("name"));
    }
    println!("{tally:?} of {}", vectors.len());
    assert!(tally.problems.is_empty(), "{:#?}", tally.problems);
    let stale =
        differences::names().filter(|name| !vectors.iter().any(|vector| vector.text("name") == *name));
    assert_eq!(stale.collect::<Vec<_>>(), Vec::<&str>::new(), "stated differences without a vector");
}

#[derive(Debug, Default)]
struct Tally {
    passed_of_aws: usize,
    passed_of_others: usize,
    differs_as_stated: usize,
    out_of_scope: usize,
    problems: Vec<String>,
}

fn judge(vector: &Vector, tally: &mut Tally) -> &'static str {
    let name = vector.text("name");
    if let Some(reason) = differences::out_of_scope(vector.text("op")) {
        assert!(!vector.follows_aws(), "{name}: {reason}");
        tally.out_of_scope += 1;
        return "out of scope";
    }
    let mismatches = run::run(vector);
    let subjects: Vec<&str> =
        mismatches.iter().map(|mismatch| mismatch.split(": ").next().unwrap_or_default()).collect();
    match differences::stated(name).filter(|_| !vector.follows_aws()) {
        Some(differing) if differing == subjects => {
            tally.differs_as_stated += 1;
            "differs"
        }
        None if mismatches.is_empty() => {
            let count =
                if vector.follows_aws() { &mut tally.passed_of_aws } else { &mut tally.passed_of_others };
            *count += 1;
            "pass"
        }
        stated => {
            tally.problems.push(format!("{name}: {mismatches:#?}, stated: {stated:?}"));
            "FAIL"
        }
    }
}

/// The vectors, or why there are none. A file that was named must be there.
#[expect(clippy::disallowed_methods, reason = "the vectors are a file outside the crate, and optional")]
fn vectors() -> Result<Vec<Vector>, String> {
    let text = match std::env::var("SHADOW_VECTORS") {
        Ok(path) => std::fs::read_to_string(&path).expect("SHADOW_VECTORS names a file"),
        Err(_) => {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/shadow.json");
            std::fs::read_to_string(&path).map_err(|error| {
                format!("no vectors at {} ({error}); name a file in SHADOW_VECTORS", path.display())
            })?
        }
    };
    let Json::Array(vectors) = json::parse(&text).expect("the vectors are JSON") else {
        panic!("the vectors are not an array");
    };
    let object = |vector: Json| Vector(vector.as_object().expect("a vector is an object").clone());
    Ok(vectors.into_iter().map(object).collect())
}
