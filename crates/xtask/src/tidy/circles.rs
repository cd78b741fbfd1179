//! Modules form no circle. Inside a folder the files and folders beside each other are compared, a folder with all
//! that is in it: an arrow from `a/b.rs` to `c/d.rs` is one from `a` to `c`. So the tree has floors, and one can
//! read it from below.
//!
//! Between a module and those inside it there is no arrow: `a/mod.rs` is the face of folder `a`, holds what its files
//! share and puts them to work. Tests name what they like.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::finding::Finding;
use crate::tidy::modules::{Arrow, Crate, Path};
use crate::workspace::{Package, SourceFile};

/// Circles that are still there: the crate, and all modules of the circle in the order of the alphabet. The list only
/// shrinks: a line that is no longer needed is a finding.
pub const EXCEPTIONS: &[Exception] = &[];

/// A crate and the modules of a circle in it.
pub type Exception = (&'static str, &'static [&'static str]);

/// What is beside what, and the first arrow between each two.
type Floor = BTreeMap<Path, BTreeMap<Path, Arrow>>;

/// Finds circles, and exceptions that are no longer needed.
pub fn check(packages: &[Package], sources: &[SourceFile], exceptions: &[Exception]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut needed = BTreeSet::new();
    for package in packages {
        let arrows = Crate::read(&package.folder, sources).arrows();
        for floor in floors(&arrows).values() {
            for knot in knots(floor) {
                let names: Vec<String> = knot.iter().map(|path| path.join("::")).collect();
                let is_it = |(name, modules): &&Exception| *name == package.name && names == **modules;
                match exceptions.iter().find(is_it) {
                    Some(exception) => drop(needed.insert(*exception)),
                    None => findings.extend(shortest(floor, &knot).map(|circle| finding(&circle, &names))),
                }
            }
        }
    }
    for (name, modules) in exceptions.iter().filter(|exception| !needed.contains(*exception)) {
        let problem = format!("no circle of just {}: take out its exception", quoted(modules));
        findings.push(Finding::new(format!("crates/{name}"), problem));
    }
    findings
}

/// The arrows by the folder in which they go from one thing to another.
fn floors(arrows: &[Arrow]) -> BTreeMap<Path, Floor> {
    let mut floors: BTreeMap<Path, Floor> = BTreeMap::new();
    for arrow in arrows {
        let (from, to) = (&arrow.from, &arrow.to);
        let shared = from.iter().zip(to).take_while(|(from, to)| from == to).count();
        if shared < from.len() && shared < to.len() {
            let floor = floors.entry(from[..shared].to_vec()).or_default();
            let arrows = floor.entry(from[..=shared].to_vec()).or_default();
            arrows.entry(to[..=shared].to_vec()).or_insert_with(|| arrow.clone());
        }
    }
    floors
}

/// The largest groups in which each module leads to each.
fn knots(floor: &Floor) -> Vec<BTreeSet<Path>> {
    let reached: BTreeMap<&Path, BTreeSet<Path>> =
        floor.keys().map(|path| (path, ways(floor, path).into_keys().collect())).collect();
    let back = |from: &Path, to: &Path| reached.get(to).is_some_and(|reached| reached.contains(from));
    let knot = |path: &&Path| -> BTreeSet<Path> {
        reached[*path].iter().filter(|other| back(path, other)).cloned().collect()
    };
    let knots: BTreeSet<BTreeSet<Path>> = floor.keys().map(|path| knot(&path)).collect();
    knots.into_iter().filter(|knot| !knot.is_empty()).collect()
}

/// What can be reached from `start`, each with the last arrow of the shortest way.
fn ways<'a>(floor: &'a Floor, start: &Path) -> BTreeMap<Path, (&'a Path, &'a Arrow)> {
    let mut ways = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(path) = waiting.pop_front() {
        let Some((path, arrows)) = floor.get_key_value(path) else { continue };
        for (next, arrow) in arrows {
            if !ways.contains_key(next) {
                ways.insert(next.clone(), (path, arrow));
                waiting.push_back(next);
            }
        }
    }
    ways
}

/// The shortest circle of a knot: each module with the arrow that leads on.
fn shortest<'a>(floor: &'a Floor, knot: &BTreeSet<Path>) -> Option<Vec<(&'a Path, &'a Arrow)>> {
    let circle = |start: &Path| {
        let ways = ways(floor, start);
        let mut circle = vec![*ways.get(start)?];
        while let Some((path, _)) = circle.last().filter(|(path, _)| *path != start) {
            circle.push(*ways.get(*path)?);
        }
        circle.reverse();
        Some(circle)
    };
    knot.iter().filter_map(circle).min_by_key(Vec::len)
}

fn finding(circle: &[(&Path, &Arrow)], knot: &[String]) -> Finding {
    let place = circle.first().map_or("", |(_, arrow)| &arrow.place);
    let mut way = String::new();
    for (path, arrow) in circle {
        way += &format!("`{}` -> ({}) ", path.join("::"), arrow.place);
    }
    let first = circle.first().map(|(path, _)| path.join("::")).unwrap_or_default();
    let mut problem = format!("modules in a circle: {way}`{first}`: move what they share below them");
    if knot.len() > circle.len() {
        problem += &format!("; in the same knot: {}", quoted(knot));
    }
    Finding::new(place, problem)
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], exceptions: &[Exception]) -> Vec<String> {
        let package = Package {
            name: "a".to_owned(),
            folder: "crates/a".to_owned(),
            manifest: String::new(),
            dependencies: Vec::new(),
        };
        let file = |(path, text): &(&str, &str)| SourceFile {
            path: format!("crates/a/src/{path}"),
            text: (*text).to_owned(),
        };
        let sources: Vec<SourceFile> = files.iter().map(file).collect();
        check(&[package], &sources, exceptions).iter().map(ToString::to_string).collect()
    }

    const THREE: &[(&str, &str)] = &[
        ("lib.rs", "mod clock;\nmod edge;\nmod event;\nmod outputs;"),
        ("clock.rs", "use std::time::Instant;"),
        ("edge.rs", "//! Doc.\nuse crate::outputs::Port;"),
        ("event.rs", "use super::edge::Edge;"),
        ("outputs.rs", "fn send(event: crate::event::Event, at: crate::clock::Clock) {}"),
    ];

    #[test]
    fn a_circle_is_told_arrow_by_arrow() {
        let wanted = "crates/a/src/edge.rs:2: modules in a circle: \
             `edge` -> (crates/a/src/edge.rs:2) `outputs` -> (crates/a/src/outputs.rs:1) \
             `event` -> (crates/a/src/event.rs:1) `edge`: move what they share below them";
        assert_eq!(found(THREE, &[]), [wanted]);
    }

    #[test]
    fn of_a_knot_the_shortest_circle_is_told() {
        let mut files = THREE.to_vec();
        files[4] = ("outputs.rs", "use crate::{edge::E, event::Event};");
        let findings = found(&files, &[]);
        assert!(findings[0].contains("`edge` -> (crates/a/src/edge.rs:2) `outputs` -> "), "{findings:?}");
        assert!(findings[0].ends_with("; in the same knot: `edge`, `event`, `outputs`"), "{findings:?}");
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn a_folder_counts_with_all_that_is_in_it() {
        let files = [
            ("lib.rs", "mod a;\nmod b;"),
            ("a/mod.rs", "mod c;\nmod d;"),
            ("a/c.rs", "use crate::b::B;"),
            ("a/d.rs", "struct D;"),
            ("b.rs", "use crate::a::d::D;"),
        ];
        assert_eq!(found(&files, &[]).len(), 1);
    }

    #[test]
    fn a_folder_and_what_is_in_it_may_name_each_other() {
        let files = [
            ("lib.rs", "mod a;\npub use a::c::C;"),
            ("a/mod.rs", "mod c;\nmod d;\nuse c::C;\nuse self::d::D;\nstruct A;"),
            ("a/c.rs", "use super::A;\nuse crate::a::d::D;"),
            ("a/d.rs", "use crate::a::A;"),
        ];
        assert_eq!(found(&files, &[]), [""; 0]);
    }

    #[test]
    fn a_circle_through_the_face_of_a_folder_is_found() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod c;\nmod d;\npub(crate) use d::D;"),
            ("a/c.rs", "use crate::a::D;"),
            ("a/d.rs", "use super::c::C;"),
        ];
        assert_eq!(found(&files, &[]).len(), 1);
    }

    #[test]
    fn an_exception_holds_for_exactly_one_circle() {
        assert_eq!(found(THREE, &[("a", &["edge", "event", "outputs"])]), [""; 0]);
        let wanted = "crates/a: no circle of just `edge`, `event`: take out its exception";
        let findings = found(THREE, &[("a", &["edge", "event"])]);
        assert_eq!((findings.len(), findings[1].as_str()), (2, wanted));
    }
}
