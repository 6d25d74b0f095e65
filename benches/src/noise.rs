//! snow: a Noise handshake that authenticates both sides as the tunnel's does, and its transport.

use snow::params::NoiseParams;
use snow::{Builder, HandshakeState, Keypair, TransportState};

/// Static key of the initiator known on sight, of the responder in advance, and a shared secret.
pub const PATTERN: &str = "Noise_IKpsk2_25519_AESGCM_SHA256";
/// Octets of the longest transport message.
pub const MAX_MESSAGE: usize = 65_535;

const SHARED: [u8; 32] = [0x66; 32];

/// The static keys of both sides.
pub struct Parties {
    params: NoiseParams,
    client: Keypair,
    server: Keypair,
}

impl Parties {
    /// Makes the keys.
    #[must_use]
    pub fn new() -> Self {
        let params: NoiseParams = PATTERN.parse().expect("a Noise pattern");
        let pair = || Builder::new(params.clone()).generate_keypair().expect("a generator");
        Self { client: pair(), server: pair(), params }
    }

    fn client(&self) -> HandshakeState {
        let builder = Builder::new(self.params.clone()).psk(2, &SHARED).expect("32 octets");
        let builder = builder.local_private_key(&self.client.private).expect("32 octets");
        let builder = builder.remote_public_key(&self.server.public).expect("32 octets");
        builder.build_initiator().expect("all keys are there")
    }

    fn server(&self) -> HandshakeState {
        let builder = Builder::new(self.params.clone()).psk(2, &SHARED).expect("32 octets");
        let builder = builder.local_private_key(&self.server.private).expect("32 octets");
        builder.build_responder().expect("all keys are there")
    }

    /// A server, and the client's message for it.
    #[must_use]
    pub fn asked(&self) -> (HandshakeState, Vec<u8>) {
        let mut message = vec![0; 256];
        let len = self.client().write_message(&[], &mut message).expect("256 octets suffice");
        message.truncate(len);
        (self.server(), message)
    }

    /// The server's step: takes the client's message, answers, and is ready to send.
    #[must_use]
    pub fn answer(mut server: HandshakeState, asked: &[u8]) -> (TransportState, [u8; 256]) {
        let mut out = [0; 256];
        server.read_message(asked, &mut out).expect("the client's message");
        server.write_message(&[], &mut out).expect("256 octets suffice");
        (server.into_transport_mode().expect("both messages are through"), out)
    }

    /// Both sides, ready to send: the whole handshake.
    #[must_use]
    pub fn connect(&self) -> (TransportState, TransportState) {
        let (mut client, mut server, mut out) = (self.client(), self.server(), [0; 256]);
        let mut message = [0; 256];
        let len = client.write_message(&[], &mut message).expect("256 octets suffice");
        server.read_message(&message[..len], &mut out).expect("the client's message");
        let len = server.write_message(&[], &mut message).expect("256 octets suffice");
        client.read_message(&message[..len], &mut out).expect("the server's message");
        let client = client.into_transport_mode().expect("both messages are through");
        (client, server.into_transport_mode().expect("both messages are through"))
    }
}

impl Default for Parties {
    fn default() -> Self {
        Self::new()
    }
}
