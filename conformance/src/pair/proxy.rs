//! A bad network between two sockets: it carries one connection as a [`Plan`] says, and changes no octet.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;

use super::plan::{Cut, Mishap, Plan, Random, Way, What};

/// Listens for one connection and carries it to a server.
pub struct Proxy {
    listener: TcpListener,
    /// Its port, where the client has to dial.
    pub port: u16,
    /// The port that the server sees, once there is a connection.
    pub seen_by_server: OnceLock<u16>,
    /// Whether the transport is open for the server: it has sent something, and that was no refusal of HTTP.
    pub reached: AtomicBool,
    over: AtomicBool,
}

/// What a blocked call looks for the end after.
const TURN: Duration = Duration::from_millis(10);
const CHUNK: usize = 16 * 1024;
/// The pauses of one direction together, at most.
const PAUSES: Duration = Duration::from_millis(600);
/// So many octets are cut into single ones; after that the pieces are larger, to come to an end.
const SINGLE: u64 = 6_000;

impl Proxy {
    /// Listens on the loopback interface.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn listen() -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Proxy {
            listener,
            port,
            seen_by_server: OnceLock::new(),
            reached: AtomicBool::new(false),
            over: AtomicBool::new(false),
        })
    }

    /// Carries one connection until both directions have ended, or [`Proxy::end`] is called.
    ///
    /// # Errors
    /// Those of the operating system while connecting.
    pub fn carry(&self, to: SocketAddr, plan: &Plan) -> io::Result<()> {
        let Some(client) = self.accept()? else { return Ok(()) };
        let server = TcpStream::connect_timeout(&to, Duration::from_secs(10))?;
        for socket in [&client, &server] {
            socket.set_nonblocking(false)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(TURN))?;
            socket.set_write_timeout(Some(TURN))?;
        }
        // Nobody else sets it.
        let _ = self.seen_by_server.set(server.local_addr()?.port());
        let [up, down] = &plan.ways;
        thread::scope(|scope| {
            scope.spawn(|| Pump::new(self, up, plan.seed).run(&client, &server));
            scope.spawn(|| Pump::new(self, down, !plan.seed).run(&server, &client));
        });
        Ok(())
    }

    /// Ends the connection if there still is one: the sockets are closed.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn accept(&self) -> io::Result<Option<TcpStream>> {
        while !self.is_over() {
            match self.listener.accept() {
                Ok((socket, _)) => return Ok(Some(socket)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(2))
                }
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    /// Both sides see a reset: with this option that is what closing a socket sends.
    fn reset(&self, sockets: [&TcpStream; 2]) {
        for socket in sockets {
            // A socket that has ended already can't be reset.
            let _ = set_socket_linger(socket, Some(Duration::ZERO));
        }
        self.end();
    }
}

/// One direction.
struct Pump<'a> {
    proxy: &'a Proxy,
    way: &'a Way,
    random: Random,
    written: u64,
    paused: Duration,
    /// What comes is thrown away.
    ended: bool,
}

impl<'a> Pump<'a> {
    fn new(proxy: &'a Proxy, way: &'a Way, seed: u64) -> Pump<'a> {
        let random = Random(seed.rotate_left(17));
        Pump { proxy, way, random, written: 0, paused: Duration::ZERO, ended: false }
    }

    fn run(mut self, from: &TcpStream, to: &TcpStream) {
        let mut chunk = [0; CHUNK];
        let is_from_server = from.local_addr().ok().map(|own| own.port())
            == self.proxy.seen_by_server.get().copied();
        while !self.proxy.is_over() {
            match (&*from).read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => {
                    let refused = chunk.starts_with(b"HTTP/") && !chunk[8..].starts_with(b" 101");
                    if is_from_server && self.written == 0 && !refused {
                        self.proxy.reached.store(true, Ordering::Relaxed);
                    }
                    self.pass_on(&chunk[..length], from, to);
                }
                Err(e) if is_timeout(&e) => {}
                Err(_) => return self.proxy.reset([from, to]),
            }
        }
        // When all is over the sockets are closed; an end sent before would come in place of a reset.
        if !self.proxy.is_over() {
            // The other side may have ended the connection.
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    fn pass_on(&mut self, mut octets: &[u8], from: &TcpStream, to: &TcpStream) {
        while !octets.is_empty() && !self.proxy.is_over() && !self.ended {
            let most = match self.way.mishap {
                Some(Mishap { after, what }) if after == self.written => {
                    self.mishap(what, from, to);
                    if self.ended || self.proxy.is_over() {
                        return;
                    }
                    octets.len()
                }
                Some(Mishap { after, .. }) if after > self.written => {
                    usize::try_from(after - self.written).unwrap_or(usize::MAX).min(octets.len())
                }
                _ => octets.len(),
            };
            let length = self.piece().min(most);
            self.pause();
            let Some(written) = self.write(&octets[..length], to) else {
                return self.proxy.reset([from, to]);
            };
            octets = &octets[written..];
        }
    }

    fn mishap(&mut self, what: What, from: &TcpStream, to: &TcpStream) {
        match what {
            What::Stall(time) | What::StallAndTruncate(time) | What::StallAndReset(time) => {
                self.wait(time)
            }
            What::Hold => self.wait(Duration::MAX),
            What::Truncate | What::Reset => {}
        }
        match what {
            What::Truncate | What::StallAndTruncate(_) => {
                let _ = to.shutdown(Shutdown::Write);
                self.ended = true;
            }
            What::Reset | What::StallAndReset(_) => self.proxy.reset([from, to]),
            // Once is enough.
            What::Stall(_) | What::Hold => {}
        }
    }

    /// Octets of the next write.
    fn piece(&mut self) -> usize {
        match self.way.cut {
            Cut::Not => CHUNK,
            Cut::Octets if self.written < SINGLE => 1,
            Cut::Octets => 1 + self.random.index(CHUNK),
            Cut::Random(most) => 1 + self.random.index(most),
        }
    }

    fn pause(&mut self) {
        if self.way.pause > Duration::ZERO && self.paused < PAUSES && self.random.below(4) == 0 {
            self.paused += self.way.pause;
            thread::sleep(self.way.pause);
        }
    }

    fn wait(&self, time: Duration) {
        let start = Instant::now();
        while !self.proxy.is_over() {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(TURN));
        }
    }

    /// How many octets were written; none if the receiver has reset the connection.
    fn write(&mut self, octets: &[u8], mut to: &TcpStream) -> Option<usize> {
        match to.write(octets) {
            Ok(length) => {
                self.written += length as u64;
                Some(length)
            }
            Err(e) if is_timeout(&e) => Some(0),
            Err(_) => None,
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::plan::Closing;

    /// Sends `octets` through a proxy and returns what arrives, or None after a reset.
    fn through(way: Way, octets: &[u8]) -> Option<Vec<u8>> {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listens");
        let to = server.local_addr().expect("has an address");
        let mut plan = Plan::undisturbed(Vec::new(), Closing::ClientAtOnce);
        plan.ways[0] = way;
        let proxy = Proxy::listen().expect("listens");
        thread::scope(|scope| {
            scope.spawn(|| proxy.carry(to, &plan));
            let mut client =
                TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).expect("connects");
            let (mut accepted, _) = server.accept().expect("is carried to the server");
            client.write_all(octets).expect("is small");
            client.shutdown(Shutdown::Write).expect("ends");
            let mut received = Vec::new();
            accepted.set_read_timeout(Some(Duration::from_secs(20))).expect("is set");
            let result = accepted.read_to_end(&mut received);
            proxy.end();
            result.is_ok().then_some(received)
        })
    }

    fn way(cut: Cut, mishap: Option<Mishap>) -> Way {
        Way { cut, pause: Duration::from_micros(50), mishap }
    }

    #[test]
    fn octets_arrive_as_they_were_however_they_are_cut() {
        let octets: Vec<u8> = (0..=255).cycle().take(9_000).collect();
        for cut in [Cut::Not, Cut::Octets, Cut::Random(7)] {
            assert_eq!(through(way(cut, None), &octets).as_ref(), Some(&octets), "{cut:?}");
        }
        let stall = Mishap { after: 5, what: What::Stall(Duration::from_millis(20)) };
        assert_eq!(through(way(Cut::Not, Some(stall)), &octets), Some(octets));
    }

    #[test]
    fn a_truncated_stream_ends_at_the_chosen_octet() {
        for after in [0, 1, 100] {
            let mishap = Some(Mishap { after, what: What::Truncate });
            let received = through(way(Cut::Random(9), mishap), &[7; 200]).expect("ends");
            assert_eq!(received.len() as u64, after);
        }
    }

    #[test]
    fn a_reset_cuts_the_stream() {
        for after in [0, 10, 199] {
            let mishap = Some(Mishap { after, what: What::Reset });
            // The end of the client's own stream, which comes right behind, is not to overtake it.
            assert_eq!(through(way(Cut::Not, mishap), &[7; 200]), None, "after {after}");
        }
    }
}
