"""Versions: of the protocol, which decides who can talk with whom, and of this package, which is only told."""

# Every protocol version that this SDK speaks.
PROTOCOL_VERSIONS = (1,)
SDK_VERSION = "0.1.0"
