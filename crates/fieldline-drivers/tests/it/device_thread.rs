//! The thread that owns a device: answers, deadlines, late answers, a panic, and its end.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use fieldline_drivers::{DeviceThread, Fault};
use tokio::time::Instant;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(10);

fn spawn(serve: impl FnMut(u32) -> Result<u32, Fault> + Send + 'static) -> DeviceThread<u32, u32> {
    DeviceThread::spawn("device", serve).expect("a thread")
}

/// A device that gets stuck in a transfer for request 0 until the gate is opened.
struct StuckDevice {
    device: DeviceThread<u32, u32>,
    is_stuck: Receiver<()>,
    gate: SyncSender<()>,
}

impl StuckDevice {
    /// A device that is stuck, after its first call has failed for that.
    async fn after_its_deadline() -> Self {
        let (enter, is_stuck) = sync_channel(1);
        let (gate, opened) = sync_channel(1);
        let device = spawn(move |request| {
            if request == 0 {
                enter.send(()).expect("the test listens");
                opened.recv().expect("the test opens the gate");
            }
            Ok(request)
        });
        let mut stuck = Self { device, is_stuck, gate };
        assert_eq!(stuck.device.call(0, SHORT).await, Err(Fault::BusStuck { limit: SHORT }));
        stuck.is_stuck.recv().expect("the device gets stuck");
        stuck
    }
}

#[tokio::test]
async fn an_answer_or_a_fault_comes_back() {
    let mut device = spawn(|request| if request == 0 { Err(Fault::BusGone) } else { Ok(request + 1) });
    for request in 1..100 {
        assert_eq!(device.call(request, LONG).await, Ok(request + 1));
    }
    assert_eq!(device.call(0, LONG).await, Err(Fault::BusGone));
}

#[tokio::test]
async fn the_device_lives_in_a_thread_with_the_given_name() {
    let serve = |()| Ok(std::thread::current().name().map(str::to_owned));
    let mut device = DeviceThread::spawn("bme680 of greenhouse", serve).expect("a thread");
    assert_eq!(device.call((), LONG).await, Ok(Some("bme680 of greenhouse".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_stuck_device_costs_its_deadline_once() {
    let start = Instant::now();
    let mut stuck = StuckDevice::after_its_deadline().await;
    assert!(start.elapsed() >= SHORT);
    let stuck_since = Instant::now();
    for request in 1..10 {
        assert_eq!(stuck.device.call(request, LONG).await, Err(Fault::BusStuck { limit: LONG }));
    }
    assert_eq!(stuck_since.elapsed(), Duration::ZERO);
    stuck.gate.send(()).expect("the device waits");
}

#[tokio::test]
async fn a_late_answer_is_discarded() {
    let mut stuck = StuckDevice::after_its_deadline().await;
    stuck.gate.send(()).expect("the device waits");
    let answer = loop {
        match stuck.device.call(7, LONG).await {
            Err(Fault::BusStuck { .. }) => std::thread::yield_now(),
            other => break other,
        }
    };
    assert_eq!(answer, Ok(7));
}

#[tokio::test]
async fn a_panic_of_the_device_ends_its_thread_and_nothing_else() {
    let mut device = spawn(|_| panic!("a driver with a bug"));
    assert_eq!(device.call(1, LONG).await, Err(Fault::ThreadEnded));
    assert_eq!(device.call(2, LONG).await, Err(Fault::ThreadEnded));
}

#[tokio::test]
async fn dropping_the_handle_drops_the_device() {
    struct Device(SyncSender<&'static str>);
    impl Drop for Device {
        fn drop(&mut self) {
            self.0.send("dropped").expect("the test listens");
        }
    }
    let (sender, dropped) = sync_channel(1);
    let owned = Device(sender);
    let mut device = spawn(move |request| {
        let Device(_) = &owned;
        Ok(request)
    });
    assert_eq!(device.call(1, LONG).await, Ok(1));
    drop(device);
    assert_eq!(dropped.recv(), Ok("dropped"));
}
