//! Commands: what they change, what they may not, what outlives a change and a restart, and that nothing gets stuck.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::{Control, Fingerprint, Input, NodeId, Plan};
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Event, EventError, Facts, Moment, Outputs, Prepare, Setting,
    Settings, Shape, Transform, Value,
};

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, balance, finished, runtime};

const MS: Duration = Duration::from_millis(1);

const SETTINGS: &[Setting] = &[Setting {
    name: "factor",
    summary: "By what numbers are multiplied.",
    shape: Shape::Count { min: 1, max: 3, unit: "times" },
}];

/// Multiplies numbers by a setting.
struct Scale(i64);

impl Prepare for Scale {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        let settings = Settings::from([("factor", self.0.into())]);
        Facts { outputs: vec!["main".into(), "response".into()], settings, ..Facts::default() }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(Scale(self.0))))
    }
}

impl Transform for Scale {
    fn apply(&mut self, mut event: Event, _: &Moment<'_>, out: &mut Outputs) {
        let scaled = event.body().as_i64().unwrap_or_default() * self.0;
        event.replace_body(scaled.into());
        out.send(event);
    }

    fn adjust(&mut self, settings: &Settings) -> Result<(), EventError> {
        self.0 = settings.count("factor").unwrap_or(self.0);
        Ok(())
    }
}

/// Makes a command of each number.
struct Orders;

impl Prepare for Orders {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts { outputs: vec!["main".into()], ..Facts::default() }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(Orders)))
    }
}

impl Transform for Orders {
    fn apply(&mut self, mut event: Event, _: &Moment<'_>, out: &mut Outputs) {
        let number = event.body().clone();
        event.replace_body(Value::from([("factor", number)]));
        out.send(event);
    }
}

/// What a plan of these tests is made from.
#[derive(Clone)]
struct Scene {
    boss: Witness,
    factor: i64,
    orders: i64,
    steered_by: &'static str,
    persist: bool,
    expires: Option<Duration>,
}

fn scene() -> Scene {
    Scene {
        boss: Witness::default(),
        factor: 1,
        orders: 5,
        steered_by: "orders",
        persist: false,
        expires: None,
    }
}

impl Scene {
    /// A hundred numbers, 10 ms apart, are scaled and written; the numbers from 0 are commands, 205 ms apart.
    fn plan(&self, witness: &Witness) -> Plan {
        let mut plan = Draw::new(witness)
            .node("air", Part::Numbers { pause: 10 * MS, limit: 100 }, &[])
            .node("scale", Part::Pass, &["air"])
            .node("again", Part::Pass, &["scale"])
            .node("out", Part::Writes, &["scale"])
            .plan();
        // Each source tells its own witness of its batches.
        let boss = Draw::new(&self.boss)
            .node("boss", Part::Numbers { pause: 205 * MS, limit: self.orders }, &[])
            .node("orders", Part::Pass, &["boss"]);
        plan.nodes.extend(boss.plan().nodes);
        for node in &mut plan.nodes {
            match node.id.node() {
                "scale" => {
                    node.prepared = Arc::new(Scale(self.factor));
                    node.facts = node.prepared.facts();
                    node.settings = SETTINGS;
                    node.fingerprint = Fingerprint(self.factor.unsigned_abs().into());
                    node.controls = vec![Control {
                        input: Input { from: NodeId::new("p", self.steered_by), port: 0 },
                        allow: vec!["factor"],
                        persist: self.persist,
                        expires: self.expires,
                    }];
                }
                "orders" | "again" => node.prepared = Arc::new(Orders),
                _ => {}
            }
        }
        plan
    }
}

/// By what the numbers were multiplied, and how many times each in a row.
fn factors(witness: &Witness) -> Vec<(i64, usize)> {
    let mut runs: Vec<(i64, usize)> = Vec::new();
    for (number, scaled) in (0..).zip(witness.written("out")).skip(1) {
        let factor = scaled / number;
        match runs.last_mut() {
            Some((last, count)) if *last == factor => *count += 1,
            _ => runs.push((factor, 1)),
        }
    }
    runs
}

async fn played(scene: &Scene, folder: &Path) -> (Witness, BTreeMap<(&'static str, &'static str), u64>) {
    let witness = Witness::default();
    let mut runtime = runtime(folder);
    runtime.apply(scene.plan(&witness)).await.expect("it can be built");
    finished(&runtime).await;
    let view = runtime.view();
    let applied = runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(applied.cut_off, []);
    assert_balanced(&view.status());
    (witness, balance(&view.status(), "scale").reasons)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[tokio::test(start_paused = true)]
async fn commands_change_what_they_may_and_nothing_else() {
    let (witness, reasons) = played(&scene(), folder().path()).await;
    let factors: Vec<i64> = factors(&witness).into_iter().map(|(factor, _)| factor).collect();
    assert_eq!(factors, [1, 2, 3], "0 and 4 are out of bounds");
    assert_eq!(reasons, BTreeMap::from([(("filtered", "out_of_bounds"), 2)]));
}

#[tokio::test(start_paused = true)]
async fn what_is_set_for_a_while_goes_back_by_itself() {
    let scene = Scene { orders: 3, expires: Some(100 * MS), ..scene() };
    let (witness, _) = played(&scene, folder().path()).await;
    let factors = factors(&witness);
    assert_eq!(factors.iter().map(|(factor, _)| *factor).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(factors[1].1, 10, "numbers come 10 ms apart, and it holds for 100 ms");
}

#[tokio::test(start_paused = true)]
async fn only_what_shall_persist_outlives_the_program_and_a_new_config_has_the_last_word() {
    let folder = folder();
    let quiet = |scene: Scene| Scene { orders: 0, ..scene };
    played(&Scene { orders: 3, ..scene() }, folder.path()).await;
    assert_eq!(factors(&played(&quiet(scene()), folder.path()).await.0), [(1, 99)]);
    let persists = || Scene { persist: true, ..scene() };
    played(&Scene { orders: 3, ..persists() }, folder.path()).await;
    assert_eq!(factors(&played(&quiet(persists()), folder.path()).await.0), [(2, 99)]);
    let edited = Scene { factor: 3, ..persists() };
    assert_eq!(factors(&played(&quiet(edited), folder.path()).await.0), [(3, 99)]);
}

#[tokio::test(start_paused = true)]
async fn a_setting_stays_over_reloads_that_do_not_change_its_config() {
    let (folder, witness) = (folder(), Witness::default());
    let mut runtime = runtime(folder.path());
    let first = scene();
    runtime.apply(first.plan(&witness)).await.expect("it can be built");
    tokio::time::sleep(700 * MS).await;
    // Rights are part of what makes a node the same, so it starts anew.
    let lasting = Scene { persist: true, ..first };
    runtime.apply(lasting.plan(&witness)).await.expect("it can be built");
    tokio::time::sleep(50 * MS).await;
    assert_eq!(factors(&witness).last().map(|(factor, _)| *factor), Some(2));
    runtime.apply(Scene { factor: 3, ..lasting }.plan(&witness)).await.expect("it can be built");
    tokio::time::sleep(50 * MS).await;
    assert_eq!(factors(&witness).last().map(|(factor, _)| *factor), Some(3));
    finished(&runtime).await;
    let view = runtime.view();
    runtime.stop(Duration::from_secs(60)).await;
    assert_balanced(&view.status());
}

#[tokio::test(start_paused = true)]
async fn what_is_made_of_events_may_steer_where_they_came_from() {
    let (folder, witness) = (folder(), Witness::default());
    let scene = |factor| Scene { factor, steered_by: "again", ..scene() };
    let mut runtime = runtime(folder.path());
    for factor in [1, 2, 1] {
        let applied = runtime.apply(scene(factor).plan(&witness)).await.expect("it can be built");
        assert_eq!(applied.cut_off, [], "a change does not get stuck in the circle");
        tokio::time::sleep(300 * MS).await;
    }
    finished(&runtime).await;
    let view = runtime.view();
    assert_eq!(runtime.stop(Duration::from_secs(60)).await.cut_off, []);
    assert_balanced(&view.status());
    assert_eq!(witness.written("out").len(), 100);
}
