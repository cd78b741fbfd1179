//! `/metrics`: the nodes' ledgers and states as Prometheus text. The ledgers are the truth; they are copied
//! into the exporter when somebody asks.

use std::time::Duration;

use fieldline_api::{Buffer, ClockState, NodeState, NodeStatus, ProgramStatus, ReloadResult};
use fieldline_engine::EngineEvent;
use jiff::Timestamp;
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Handle;

/// What is told to Prometheus, and of what.
#[derive(Clone)]
pub(crate) struct Metrics {
    exporter: PrometheusHandle,
    /// The threads whose tasks are counted.
    pipelines: Handle,
}

/// How often the exporter tidies up, and with it how long a histogram's samples wait.
const UPKEEP: Duration = Duration::from_secs(5);

/// Makes the exporter the program's recorder.
pub(crate) fn install(pipelines: Handle) -> anyhow::Result<Metrics> {
    let exporter = PrometheusBuilder::new().install_recorder()?;
    describe_counter!("fieldline_events_total", "Events by node and by how they came in or left");
    describe_gauge!("fieldline_events_in_flight", "Events that are in a node or its queue");
    describe_counter!(
        "fieldline_events_by_reason_total",
        "Events filtered, dead-lettered or dropped, by reason"
    );
    describe_counter!("fieldline_sensor_faults_total", "Readings that a sensor failed, by fault");
    describe_counter!("fieldline_node_restarts_total", "How often a node was started anew after a panic");
    describe_gauge!("fieldline_node_up", "1 when a node is at work or has finished, 0 otherwise");
    describe_gauge!("fieldline_node_degraded", "1 while at least half of a node's events fail, and not all");
    describe_gauge!("fieldline_buffer_events", "Events that wait for a sink");
    describe_gauge!("fieldline_buffer_bytes", "Bytes they take: of memory, or of the disk with all overhead");
    describe_gauge!("fieldline_buffer_oldest_seconds", "How long the one that came first has waited");
    describe_counter!("fieldline_buffer_written_bytes_total", "Bytes that a disk buffer has written");
    describe_counter!("fieldline_buffer_syncs_total", "Fsyncs that a disk buffer has made");
    describe_gauge!(
        "fieldline_buffer_over_budget",
        "1 while a disk buffer costs the card more than its budget"
    );
    describe_gauge!("fieldline_buffer_card_free_bytes", "Free bytes of the card that a disk buffer is on");
    describe_gauge!(
        "fieldline_buffer_card_short",
        "1 while a disk buffer does not grow, to leave the card to others"
    );
    describe_gauge!("fieldline_unused_buffer_bytes", "Bytes of disk buffers that belong to no sink");
    describe_gauge!("fieldline_generation", "How many plans were applied since the program started");
    describe_gauge!("fieldline_applied_timestamp_seconds", "When the plan that runs was applied");
    describe_gauge!("fieldline_config_info", "1, with the hash of the configuration that runs");
    describe_gauge!(
        "fieldline_clock_set",
        "0 while the machine's clock waits to be set; absent where that is not known"
    );
    describe_counter!(
        "fieldline_clock_jumps_total",
        "How often the machine's clock jumped by more than a second"
    );
    describe_gauge!(
        "fieldline_tasks",
        "Tasks of the pipelines; the same number of nodes should take the same"
    );
    describe_counter!("fieldline_reloads_total", "Reloads by result");
    for result in ReloadResult::ALL {
        counter!("fieldline_reloads_total", "result" => result.as_str()).absolute(0);
    }
    Ok(Metrics { exporter, pipelines })
}

/// Counts reloads by their result.
pub(crate) fn observe(event: &EngineEvent<'_>) {
    if let EngineEvent::Reloaded { outcome, .. } = event {
        counter!("fieldline_reloads_total", "result" => outcome.result().as_str()).increment(1);
    }
}

/// Lets the exporter tidy up until the program ends.
pub(crate) async fn tidy(metrics: &Metrics) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        metrics.exporter.run_upkeep();
    }
}

/// The text for Prometheus, without series of nodes and configurations that are no more.
pub(crate) fn render(metrics: &Metrics, status: &ProgramStatus) -> String {
    let (hash, clock) = (&status.config, &status.clock);
    gauge!("fieldline_generation").set(status.generation as f64);
    if let Ok(applied_at) = status.applied_at.parse::<Timestamp>() {
        gauge!("fieldline_applied_timestamp_seconds").set(applied_at.as_millisecond() as f64 / 1e3);
    }
    gauge!("fieldline_config_info", "hash" => hash.clone()).set(1.0);
    if clock.standing != ClockState::Unknown {
        gauge!("fieldline_clock_set").set(f64::from(u8::from(clock.standing == ClockState::Set)));
    }
    counter!("fieldline_clock_jumps_total").absolute(clock.jumps);
    gauge!("fieldline_tasks").set(metrics.pipelines.metrics().num_alive_tasks() as f64);
    status.nodes.iter().for_each(record);
    let unused: u64 = status.unused_buffers.iter().map(|buffer| buffer.bytes).sum();
    gauge!("fieldline_unused_buffer_bytes").set(unused as f64);
    let is_current = |line: &&str| match label(line, "node") {
        Some(name) => {
            let pipeline = label(line, "pipeline").unwrap_or_default();
            status.nodes.iter().any(|node| node.name() == name && node.pipeline() == pipeline)
        }
        None => label(line, "hash").is_none_or(|label| label == hash),
    };
    let mut text = String::new();
    for line in metrics.exporter.render().lines().filter(is_current) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn record(node: &NodeStatus) {
    let labels = [
        ("pipeline", node.pipeline().to_owned()),
        ("node", node.name().to_owned()),
        ("kind", node.kind.as_str().to_owned()),
    ];
    let balance = &node.balance;
    for (door, count) in balance.counters() {
        counter!("fieldline_events_total", &with(&labels, "door", door)).absolute(count);
    }
    for reason in &balance.reasons {
        let labels = with(&with(&labels, "door", &reason.door), "reason", &reason.reason);
        counter!("fieldline_events_by_reason_total", &labels).absolute(reason.count);
    }
    gauge!("fieldline_events_in_flight", &labels).set(balance.in_flight as f64);
    gauge!("fieldline_node_up", &labels).set(f64::from(u8::from(node.state.is_up())));
    let is_degraded = node.state == NodeState::Degraded;
    gauge!("fieldline_node_degraded", &labels).set(f64::from(u8::from(is_degraded)));
    counter!("fieldline_node_restarts_total", &labels).absolute(node.restarts);
    if let Some(buffer) = &node.buffer {
        record_buffer(&labels, buffer);
    }
}

fn record_buffer(labels: &[(&'static str, String); 3], buffer: &Buffer) {
    gauge!("fieldline_buffer_events", labels).set(buffer.records as f64);
    gauge!("fieldline_buffer_bytes", labels).set((buffer.bytes + buffer.overflow_bytes) as f64);
    gauge!("fieldline_buffer_oldest_seconds", labels).set(buffer.oldest_seconds.unwrap_or_default() as f64);
    let Some(disk) = &buffer.disk else { return };
    counter!("fieldline_buffer_written_bytes_total", labels).absolute(disk.written_bytes);
    counter!("fieldline_buffer_syncs_total", labels).absolute(disk.syncs);
    gauge!("fieldline_buffer_over_budget", labels).set(f64::from(u8::from(disk.over_budget)));
    if let Some(free) = disk.card_free_bytes {
        gauge!("fieldline_buffer_card_free_bytes", labels).set(free as f64);
        gauge!("fieldline_buffer_card_short", labels).set(f64::from(u8::from(disk.card_short)));
    }
}

fn with<'l>(labels: &[(&'l str, String)], name: &'l str, value: &str) -> Vec<(&'l str, String)> {
    labels.iter().cloned().chain([(name, value.to_owned())]).collect()
}

/// The value of one of a series' labels.
fn label<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(label, _)| label)
}
