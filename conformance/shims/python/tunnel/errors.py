"""The errors of registry.md, section "Error classes and codes"."""

_CODES = {
    "encoding": "malformed unknown_type control_payload early_end text_message server_id_encoding"
    " challenge_length body_length body_time",
    "key": "bad_key public_key_length key_mismatch",
    "auth": "decrypt unknown_id wrong_password pin open_failed client_signature server_signature",
    "freshness": "stale timeout future expired",
    "binding": "binding nonce challenge_type challenge_key wrong_type public_key_mismatch",
    "state": "order missing_open unexpected_open after_close dead closed not_established truncated",
    "limit": "record_length exhausted payload_too_long label_length output_length zero_length too_long"
    " invalid_time invalid_ttl",
    "internal": "lookup_failed",
    "tls": "sni no_certificate certificate_form untrusted not_yet_valid ca_constraints usage critical_extension"
    " name_constraint weak revoked crl crl_form server_name bad_name identity denied not_allowed",
}
_CLASS = {code: name for name, codes in _CODES.items() for code in codes.split()}


class Refusal(Exception):
    """A check refused what the peer sent: the connection is over.

    Class and code are for the local caller; the peer learns neither (OBS-004). `status` is 400 or 401
    where chapter 5 names one, else None. The class is given where a code has another one elsewhere.
    """

    def __init__(self, code: str, status: int | None = None, error_class: str | None = None):
        super().__init__(code)
        self.error_class, self.code, self.status = error_class or _CLASS[code], code, status


class CallerError(Refusal):
    """The local caller asked for what cannot be done: nothing is sent, the connection lives on."""
