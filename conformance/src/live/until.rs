//! A socket whose reads and writes are over by a deadline, however little moves at a time.

use std::borrow::Borrow;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::peer::ws::is_timeout;

/// An owned socket or a borrowed one.
pub struct Until<S> {
    pub stream: S,
    pub deadline: Instant,
}

impl<S: Borrow<TcpStream>> Until<S> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, "not in time"));
        }
        Ok(left)
    }
}

impl<S: Borrow<TcpStream>> Read for Until<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut stream = self.stream.borrow();
            stream.set_read_timeout(Some(self.left()?))?;
            match stream.read(buffer) {
                Err(e) if is_timeout(&e) => {}
                done => return done,
            }
        }
    }
}

impl<S: Borrow<TcpStream>> Write for Until<S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        loop {
            let mut stream = self.stream.borrow();
            stream.set_write_timeout(Some(self.left()?))?;
            match stream.write(octets) {
                Err(e) if is_timeout(&e) => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    /// An octet every few milliseconds is progress, and yet too slow.
    #[test]
    fn a_peer_that_trickles_does_not_move_the_deadline() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listens");
        let stream = TcpStream::connect(listener.local_addr().expect("listens")).expect("connects");
        let (mut trickling, _) = listener.accept().expect("is there");
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) && trickling.write_all(b"x").is_ok() {
                    thread::sleep(Duration::from_millis(5));
                }
            });
            let deadline = Instant::now() + Duration::from_millis(200);
            let mut until = Until { stream: &stream, deadline };
            let late = until.read_exact(&mut [0; 1 << 20]).expect_err("is too slow");
            assert_eq!(late.kind(), ErrorKind::TimedOut);
            over.store(true, Ordering::Relaxed);
        });
    }
}
