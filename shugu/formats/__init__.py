"""Bytes that outsiders check: canonical JSON, keys, the Merkle log, credentials, policies, numbers.

Pure: standard library, rfc8785, cryptography and tongsuopy only. No Django, no database, no
network, no clock. `docs/formats.md` specifies every byte that is hashed or signed here.
"""
