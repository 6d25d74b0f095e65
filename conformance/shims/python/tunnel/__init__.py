"""Secure-tunnel v1 in Python: an example for implementers, written from the specification's text.

Nothing here does input or output. `handshake.Client` and `handshake.Server` turn messages and clock
readings into messages, `channel.Channel` seals and opens records, `framing.StreamReader` cuts a byte
stream into messages, and `tokens` is the stateless exchange of chapter 5.
"""
