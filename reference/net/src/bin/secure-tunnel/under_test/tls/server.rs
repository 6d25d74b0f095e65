//! A server's TLS: as its first line says, and as `tls` lines change it.

use std::sync::Arc;

use rustls::time_provider::DefaultTimeProvider;
use secure_tunnel::error::Diagnostic;
use secure_tunnel_tls::{
    ClientCertificates, ContextName, List, Lists, Policies, ServerSettings, ServerTls,
};

use super::super::lines::Octets;
use super::lines::{Change, Clients, Context, Entries, StartTls};
use super::{Fault, alpn, own, policies, trust};
use crate::log;

/// The server's side of TLS and what of it can be changed.
pub struct Configured {
    tls: Arc<ServerTls>,
    policies: Policies,
    anchors: Vec<Octets>,
    crls: Option<Vec<Octets>>,
    lists: Lists,
}

impl Configured {
    pub fn new(start: StartTls) -> Result<Self, Fault> {
        let policies = policies(&start.policies)?;
        let lists = change_lists(&Lists::default(), Some(start.allow), Some(start.deny))
            .map_err(|what| Fault::Unsupported(vec![what.to_owned()]))?;
        let context = |context: &Context| {
            Ok((ContextName::new(context.name.as_bytes())?, own(&context.own)?))
        };
        let settings = ServerSettings {
            contexts: start.contexts.iter().map(context).collect::<Result<_, Fault>>()?,
            default: start.default.as_ref().map(own).transpose()?,
            clients: match start.clients {
                Clients::None => ClientCertificates::NotAsked,
                Clients::Ask => ClientCertificates::Asked,
                Clients::Require => ClientCertificates::Required,
            },
            trust: trust(&start.anchors, start.crls.as_deref(), policies)?,
            lists: lists.clone(),
            alpn: alpn(start.alpn),
            time: Arc::new(DefaultTimeProvider),
        };
        let tls = Arc::new(ServerTls::new(settings)?);
        Ok(Self { tls, policies, anchors: start.anchors, crls: start.crls, lists })
    }

    pub fn tls(&self) -> &Arc<ServerTls> {
        &self.tls
    }

    /// Puts a change in force. What is faulty in it does not replace anything and is told on standard error.
    // spec: TLS-076, TLS-078
    pub fn change(&mut self, change: Change) {
        if change.anchors.is_some() || change.crls.is_some() {
            let anchors = change.anchors.unwrap_or_else(|| self.anchors.clone());
            let crls = change.crls.unwrap_or_else(|| self.crls.clone());
            match trust(&anchors, crls.as_deref(), self.policies) {
                Ok(trust) => {
                    self.tls.replace_trust(trust);
                    (self.anchors, self.crls) = (anchors, crls);
                }
                Err(error) => {
                    let code = error.code();
                    log::line(format_args!("{error} ({code}); what was there stays in force"));
                }
            }
        }
        match change_lists(&self.lists, change.allow, change.deny) {
            Ok(lists) if lists != self.lists => {
                self.tls.replace_lists(lists.clone());
                self.lists = lists;
            }
            Ok(_) => {}
            Err(fault) => log::line(format_args!("{fault}; what was there stays in force")),
        }
    }
}

fn change_lists(
    lists: &Lists,
    allow: Option<Option<Entries>>,
    deny: Option<Option<Entries>>,
) -> Result<Lists, &'static str> {
    let mut lists = lists.clone();
    if let Some(allow) = allow {
        lists.allow = allow.map(list).transpose()?;
    }
    if let Some(deny) = deny {
        lists.deny = deny.map(list).transpose()?.unwrap_or_default();
    }
    Ok(lists)
}

fn list(entries: Entries) -> Result<List, &'static str> {
    let mut list = List::default();
    entries.identities.iter().for_each(|Octets(identity)| list.add_identity(identity));
    for Octets(fingerprint) in entries.fingerprints {
        let fingerprint = fingerprint.try_into();
        list.add_fingerprint(fingerprint.map_err(|_| "a fingerprint is not of 32 octets")?);
    }
    Ok(list)
}
