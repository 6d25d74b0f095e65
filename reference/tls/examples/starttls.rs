//! An open plain connection becomes TLS: both sides talk in lines, agree, and go on with mutual TLS over the same
//! byte stream.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::Stream;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::time_provider::DefaultTimeProvider;
use secure_tunnel_tls::{
    Alpn, ClientCertificates, ClientSettings, ClientTls, Lists, OwnCertificate, Policies,
    ServerSettings, ServerTls, Trust, server_name,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let ca = Ca::new()?;
    let server = ServerTls::new(ServerSettings {
        contexts: Vec::new(),
        default: Some(ca.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth)?),
        clients: ClientCertificates::Required,
        trust: ca.trust()?,
        lists: Lists::default(),
        alpn: Alpn::LeftOut,
        time: Arc::new(DefaultTimeProvider),
    })?;
    let client = ClientTls::new(ClientSettings {
        trust: ca.trust()?,
        certificate: Some(ca.issue("alice", ExtendedKeyUsagePurpose::ClientAuth)?),
        alpn: Alpn::LeftOut,
        time: Arc::new(DefaultTimeProvider),
    })?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let served = thread::spawn(move || serve(&server, listener.accept()?.0));
    connect(&client, TcpStream::connect(address)?)?;
    served.join().map_err(|_| "the server panicked")?
}

fn serve(tls: &ServerTls, mut socket: TcpStream) -> Result<()> {
    println!("client: {}", line(&mut socket)?);
    socket.write_all(b"go ahead\n")?;
    let accept = tls.accept();
    let mut connection = accept.connection()?;
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut socket) {
            let why = error.downcast::<rustls::Error>().map(|error| accept.reason(&error));
            return Err(why.map_or_else(Into::into, Into::into));
        }
    }
    let peer = tls.admit(&connection)?;
    let (Some(identity), Some(version)) = (peer.identity, peer.version) else {
        return Err("certificates are required".into());
    };
    println!("server: {} is here, {version:?}", identity.as_str().escape_debug());
    let mut stream = Stream::new(&mut connection, &mut socket);
    writeln!(stream, "hello, {}", identity.as_str())?;
    connection.send_close_notify();
    connection.complete_io(&mut socket)?;
    Ok(())
}

fn connect(tls: &ClientTls, mut socket: TcpStream) -> Result<()> {
    socket.write_all(b"STARTTLS\n")?;
    println!("server: {}", line(&mut socket)?);
    let name = server_name(b"localhost")?;
    let mut connection = tls.connection(&name)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    let certificate = tls.admit(&name, &connection)?.certificate.ok_or("a server has one")?;
    println!("client: the server is {}", certificate.subject().escape_debug());
    let mut received = String::new();
    let mut stream = BufReader::new(Stream::new(&mut connection, &mut socket));
    stream.read_line(&mut received)?;
    println!("client: received {:?}", received.trim_end());
    // Without close_notify this would be an error: the end was cut.
    stream.read_to_string(&mut received)?;
    Ok(())
}

/// Reads octet by octet: what follows the line belongs to TLS.
fn line(socket: &mut TcpStream) -> Result<String> {
    let (mut line, mut octet) = (Vec::new(), [0]);
    while line.len() < 80 {
        socket.read_exact(&mut octet)?;
        match octet {
            [b'\n'] => return Ok(String::from_utf8(line)?),
            [octet] => line.push(octet),
        }
    }
    Err("a line is too long".into())
}

/// A CA for the example. Yours has its key elsewhere.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Ca {
    fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    fn issue(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> Result<OwnCertificate> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok(OwnCertificate::new(vec![certificate], key.into())?)
    }

    fn trust(&self) -> Result<Trust> {
        Ok(Trust::new(&[&self.certificate], Policies::default())?)
    }
}
