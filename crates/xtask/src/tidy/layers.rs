//! The layer table of `crates/README.md` against what the manifests say. Dependencies of tests are free: they
//! decide nothing about what runs.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::tidy::table::{README, rows};
use crate::workspace::Package;

const HEADER: [&str; 2] = ["Layer", "Crate"];

/// A layer of the table; a crate depends only on lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Number(u8),
    /// For developers only: above everything, and nothing depends on it.
    Dev,
}

/// A line of the table.
#[derive(Debug)]
struct Row {
    line: usize,
    layer: Layer,
    name: String,
    may_use: Vec<String>,
}

/// Compares the table in `readme` with `packages`.
pub fn check(readme: &str, packages: &[Package]) -> Vec<Finding> {
    let (rows, mut findings) = table(readme);
    if rows.is_empty() {
        findings.push(Finding::new(README, "has no table that begins with `| Layer | Crate |`"));
    }
    let layers: BTreeMap<&str, Layer> = rows.iter().map(|row| (row.name.as_str(), row.layer)).collect();
    if layers.len() < rows.len() {
        findings.push(Finding::new(README, "lists a crate twice"));
    }
    for row in &rows {
        findings.extend(check_row(row, &layers));
        match packages.iter().find(|package| package.name == row.name) {
            Some(package) => findings.extend(check_package(row, package, packages)),
            None => findings.push(Finding::at(README, row.line, format!("there is no crate `{}`", row.name))),
        }
    }
    for package in packages.iter().filter(|package| !layers.contains_key(package.name.as_str())) {
        findings.push(Finding::new(README, format!("the layer table does not list `{}`", package.name)));
    }
    findings
}

fn table(readme: &str) -> (Vec<Row>, Vec<Finding>) {
    let (mut table, mut findings): (Vec<Row>, _) = (Vec::new(), Vec::new());
    for (line, cells) in rows(readme, &HEADER) {
        match row(line, &cells, &table) {
            Some(row) => table.push(row),
            None => {
                findings.push(Finding::at(README, line, "is no row of layer, crate, one line, dependencies"))
            }
        }
    }
    (table, findings)
}

fn row(line: usize, cells: &[&str], above: &[Row]) -> Option<Row> {
    let &[layer, name, _, may_use] = cells else { return None };
    let layer = match layer {
        "dev" => Layer::Dev,
        number => Layer::Number(number.parse().ok()?),
    };
    let may_use = match may_use {
        "nothing" => Vec::new(),
        "all above" => above.iter().map(|row| row.name.clone()).collect(),
        names => names.split(',').map(|name| format!("fieldline-{}", name.trim())).collect(),
    };
    Some(Row { line, layer, name: name.to_owned(), may_use })
}

/// The table must not contradict itself.
fn check_row(row: &Row, layers: &BTreeMap<&str, Layer>) -> Vec<Finding> {
    let problem = |name: &String| match layers.get(name.as_str()) {
        None => Some(format!("`{}` may use `{name}`, which the table does not list", row.name)),
        Some(layer) if *layer >= row.layer => {
            Some(format!("`{}` may use `{name}`, which is in no lower layer", row.name))
        }
        Some(_) => None,
    };
    row.may_use.iter().filter_map(problem).map(|problem| Finding::at(README, row.line, problem)).collect()
}

fn check_package(row: &Row, package: &Package, packages: &[Package]) -> Vec<Finding> {
    let ours = package.dependencies.iter().filter(|name| packages.iter().any(|other| other.name == **name));
    ours.filter(|name| !row.may_use.contains(name))
        .map(|name| {
            let place = format!("{}/Cargo.toml", package.folder);
            Finding::new(place, format!("uses `{name}`, which its row in {README} does not allow"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
# Page

| Layer | Crate | One line | May depend on (ours) |
|---|---|---|---|
| 0 | `fieldline-core` | Words | nothing |
| 1 | `fieldline-mqtt` | A connection | core |
| 1 | `fieldline-store` | A log | nothing |
| 2 | `fieldline` | The program | all above |
| dev | `xtask` | This | nothing |

After it.
";

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            folder: format!("crates/{name}"),
            manifest: String::new(),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn found(table: &str, changed: Package) -> Vec<String> {
        let mut packages = vec![
            package("fieldline-core", &["serde"]),
            package("fieldline-mqtt", &["fieldline-core", "rumqttc"]),
            package("fieldline-store", &[]),
            package("fieldline", &["fieldline-mqtt", "fieldline-store"]),
            package("xtask", &[]),
        ];
        packages.retain(|package| package.name != changed.name);
        packages.push(changed);
        check(table, &packages).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tree_that_keeps_to_its_table_passes() {
        assert_eq!(found(TABLE, package("xtask", &["anyhow"])), [""; 0]);
    }

    #[test]
    fn a_dependency_that_the_row_does_not_allow_is_found() {
        let wanted = "crates/fieldline-store/Cargo.toml: uses `fieldline-core`, \
                      which its row in crates/README.md does not allow";
        assert_eq!(found(TABLE, package("fieldline-store", &["fieldline-core"])), [wanted]);
    }

    #[test]
    fn a_dependency_on_an_upper_or_a_developers_crate_is_found() {
        assert_eq!(found(TABLE, package("fieldline-core", &["fieldline-mqtt"])).len(), 1);
        assert_eq!(found(TABLE, package("fieldline", &["xtask"])).len(), 1);
    }

    #[test]
    fn a_crate_that_is_not_listed_is_found() {
        let wanted = "crates/README.md: the layer table does not list `fieldline-new`";
        assert_eq!(found(TABLE, package("fieldline-new", &[])), [wanted]);
    }

    #[test]
    fn a_row_without_a_crate_is_found() {
        let table = TABLE.replace("`xtask`", "`xtaks`");
        let wanted = [
            "crates/README.md:9: there is no crate `xtaks`",
            "crates/README.md: the layer table does not list `xtask`",
        ];
        assert_eq!(found(&table, package("xtask", &[])), wanted);
    }

    #[test]
    fn a_table_that_allows_what_is_not_below_is_found() {
        let table = TABLE.replace("A log | nothing", "A log | mqtt");
        let wanted =
            "crates/README.md:7: `fieldline-store` may use `fieldline-mqtt`, which is in no lower layer";
        assert_eq!(found(&table, package("xtask", &[])), [wanted]);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_found() {
        let table = TABLE.replace("| dev |", "| later |");
        assert!(found(&table, package("xtask", &[]))[0].starts_with("crates/README.md:9: is no row"));
    }

    #[test]
    fn a_page_without_the_table_is_found() {
        assert!(found("# Page\n", package("xtask", &[]))[0].contains("has no table"));
    }
}
