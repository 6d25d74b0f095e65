//! What a bad network does to one connection, all of it from a seed.

use std::fmt;
use std::time::Duration;

/// What is done to a connection, and what its application does.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// From client to server, and back.
    pub ways: [Way; 2],
    /// Octets of each payload that the client sends; the server sends them back.
    pub payloads: Vec<usize>,
    /// So many payloads of [`FLOOD`] octets follow, more than the sockets' buffers hold.
    pub flood: usize,
    pub closing: Closing,
}

/// Octets of each payload of a flood.
pub const FLOOD: usize = 250_000;

/// What is done to one direction.
#[derive(Debug, Clone)]
pub struct Way {
    pub cut: Cut,
    /// Before some of the pieces.
    pub pause: Duration,
    pub mishap: Option<Mishap>,
}

/// How what is read is cut into writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// As it was read.
    Not,
    /// Into single octets.
    Octets,
    /// Anywhere, into pieces of at most so many octets.
    Random(usize),
}

/// Something that happens once, after exactly so many octets.
#[derive(Debug, Clone, Copy)]
pub struct Mishap {
    pub after: u64,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// This direction ends: the receiver sees the end of the stream.
    Truncate,
    /// The connection is reset, both ways.
    Reset,
    /// This direction stops for a time, the other one does not.
    Stall(Duration),
    /// It stops for a time, and then ends.
    StallAndTruncate(Duration),
    /// It stops for a time, and then the connection is reset.
    StallAndReset(Duration),
    /// It stops for as long as the connection lives.
    Hold,
}

/// Who closes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The client, when it has sent everything.
    ClientAtOnce,
    /// The client, when everything has come back.
    ClientAtTheEnd,
    /// The server, after so many payloads have come back.
    ServerAfter(usize),
}

/// The octets of the handshake over TCP that go to the server: M2 and the open record with their lengths. The
/// other way M1 and M3 are as many within a few.
const HANDSHAKE: u64 = 1_200;

impl Plan {
    /// The network does nothing.
    pub fn undisturbed(payloads: Vec<usize>, closing: Closing) -> Plan {
        let way = Way { cut: Cut::Not, pause: Duration::ZERO, mishap: None };
        Plan { seed: 0, ways: [way.clone(), way], payloads, flood: 0, closing }
    }

    /// The plan of a seed; with `slow`, some directions stop for good during the handshake.
    pub fn of_seed(seed: u64, slow: bool) -> Plan {
        let mut random = Random(seed);
        let mut payloads: Vec<usize> = (0..random.below(24)).map(|_| size(&mut random)).collect();
        if random.below(4) == 0 {
            // More than any buffer on the way takes at once. Only one: all have to fit a line of the live protocol.
            payloads.push(20_000 + random.index(200_000));
        }
        let closing = match random.below(3) {
            0 => Closing::ClientAtOnce,
            1 => Closing::ClientAtTheEnd,
            _ => Closing::ServerAfter(random.index(payloads.len() + 1)),
        };
        let total = payloads.iter().map(|length| *length as u64 + 30).sum::<u64>();
        let mut ways = [(); 2].map(|()| Way {
            cut: match random.below(4) {
                0 => Cut::Not,
                1 => Cut::Octets,
                _ => Cut::Random(1 + random.index(1_400)),
            },
            pause: Duration::from_micros([0, 0, 300, 3_000][random.index(4)]),
            mishap: None,
        });
        let time = Duration::from_millis(random.below(400));
        let what = match random.below(if slow { 12 } else { 11 }) {
            0..4 => None,
            4 | 5 => Some(What::Truncate),
            6 | 7 => Some(What::Reset),
            8 => Some(What::Stall(time)),
            9 => Some(What::StallAndTruncate(time)),
            10 => Some(What::StallAndReset(time)),
            _ => Some(What::Hold),
        };
        if let Some(what) = what {
            let (from, to) = match what {
                // Within M1, M2 or M3: there the deadlines of section 3.7 hold. WebSocket's own opening comes before.
                What::Hold => (400, 1_100),
                _ if random.below(2) == 0 => (0, HANDSHAKE),
                _ => (0, HANDSHAKE + total),
            };
            let after = from + random.below(to - from);
            ways[random.index(2)].mishap = Some(Mishap { after, what });
        }
        Plan { seed, ways, payloads, flood: 0, closing }
    }

    /// The network delivers everything, if slowly and in pieces.
    pub fn is_harmless(&self) -> bool {
        self.ways
            .iter()
            .all(|way| way.mishap.is_none_or(|mishap| matches!(mishap.what, What::Stall(_))))
    }

    /// How many payloads the client sends.
    pub fn count(&self) -> usize {
        self.payloads.len() + self.flood
    }

    /// The octets of a payload. Each differs from all others of the plan, but for those of a flood and such as are too
    /// short for that.
    pub fn payload(&self, index: usize) -> Vec<u8> {
        let index = index.min(self.payloads.len());
        let mut random = Random(self.seed ^ ((index as u64 + 1) << 40));
        let length = self.payloads.get(index).copied().unwrap_or(FLOOD);
        std::iter::repeat_with(|| random.next().to_be_bytes()).flatten().take(length).collect()
    }
}

fn size(random: &mut Random) -> usize {
    match random.below(16) {
        0 => 0,
        1 => 1,
        2 => 4_080 + random.index(40),
        _ => 8 + random.index(1_000),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} payloads, {:?}", self.payloads.len(), self.closing)?;
        for (name, way) in ["to the server", "to the client"].into_iter().zip(&self.ways) {
            write!(f, "; {name}: pieces {:?}, pauses {:?}", way.cut, way.pause)?;
            if let Some(Mishap { after, what }) = way.mishap {
                write!(f, ", {what:?} after {after} octets")?;
            }
        }
        Ok(())
    }
}

/// SplitMix64: any seed is good, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `bound` - 1; the slight bias does not matter here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_plan_and_seeds_give_all_kinds() {
        assert_eq!(
            format!("{:?}", Plan::of_seed(7, true)),
            format!("{:?}", Plan::of_seed(7, true))
        );
        let plans: Vec<Plan> = (0..400).map(|seed| Plan::of_seed(seed, true)).collect();
        let has = |wanted: fn(What) -> bool| {
            let mishaps = plans.iter().flat_map(|plan| &plan.ways).filter_map(|way| way.mishap);
            mishaps.into_iter().any(|mishap| wanted(mishap.what))
        };
        assert!(has(|what| what == What::Truncate));
        assert!(has(|what| what == What::Reset));
        assert!(has(|what| what == What::Hold));
        assert!(has(|what| matches!(what, What::Stall(_))));
        assert!(has(|what| matches!(what, What::StallAndTruncate(_))));
        assert!(has(|what| matches!(what, What::StallAndReset(_))));
        assert!(plans.iter().any(|plan| plan.ways[0].cut == Cut::Octets));
        let harmless = plans.iter().filter(|plan| plan.is_harmless()).count();
        assert!((100..250).contains(&harmless), "{harmless}");
    }

    #[test]
    fn payloads_have_their_length_and_differ() {
        let plan = Plan::undisturbed(vec![9, 9, 0, 5_000], Closing::ClientAtOnce);
        let payloads: Vec<Vec<u8>> = (0..4).map(|index| plan.payload(index)).collect();
        assert_eq!(payloads.iter().map(Vec::len).collect::<Vec<_>>(), plan.payloads);
        assert_ne!(payloads[0], payloads[1]);
    }
}
