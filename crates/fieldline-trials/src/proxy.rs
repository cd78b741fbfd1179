//! A TCP proxy that can be cut or fall silent, between the program and the broker, and hears what they say.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use super::place::Place;
use super::witness::{Ear, Hearing, Side, Witness};

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Weather {
    /// Passes everything.
    Fair,
    /// Accepts and reads, and passes nothing: a half-open connection, which never passes anything again.
    Silent,
    /// Refuses.
    Cut,
}

/// A proxy on a port of its own.
pub(super) struct Proxy {
    port: u16,
    weather: Arc<AtomicU8>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Starts it in front of `target`. Its threads end with the process.
    pub(super) fn start(target: impl Into<Place>, witness: Arc<Witness>) -> Result<Self> {
        let target = target.into();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let weather = Arc::new(AtomicU8::new(Weather::Fair as u8));
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (sky, streams) = (weather.clone(), open.clone());
        std::thread::Builder::new().name("proxy".into()).spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if sky.load(Ordering::Relaxed) == Weather::Cut as u8 {
                    continue;
                }
                let Ok(server) = target.connect() else { continue };
                let hearing = Arc::new(Hearing::default());
                for (from, to, side) in [(&client, &server, Side::Program), (&server, &client, Side::Broker)]
                {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let (sky, hearing, witness) = (sky.clone(), hearing.clone(), witness.clone());
                    let mut ear = Ear::of(side);
                    let lane = move || {
                        copy(from, to, &sky, |bytes| ear.hear(bytes, &hearing, &witness));
                        if side == Side::Program {
                            hearing.close();
                        }
                    };
                    let name = std::thread::Builder::new().name("proxy-lane".into());
                    let _no_thread_no_lane = name.spawn(lane);
                }
                streams.lock().unwrap_or_else(PoisonError::into_inner).extend([client, server]);
            }
        })?;
        Ok(Proxy { port, weather, open })
    }

    /// The port to connect to.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Changes the weather; a cut ends what is open.
    pub(super) fn set(&self, weather: Weather) {
        self.weather.store(weather as u8, Ordering::Relaxed);
        if weather == Weather::Cut {
            for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _closed_already = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, weather: &AtomicU8, mut hear: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    let mut is_dead = false;
    while let Ok(count) = from.read(&mut buffer) {
        is_dead |= weather.load(Ordering::Relaxed) == Weather::Silent as u8;
        if count == 0 {
            break;
        }
        if is_dead {
            continue;
        }
        hear(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _closed_already = to.shutdown(Shutdown::Both);
}
