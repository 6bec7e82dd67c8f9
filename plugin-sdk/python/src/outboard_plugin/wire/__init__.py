"""Bytes to messages and back.

    bytes ─▶ frame.Decoder ─▶ one line ─▶ message.parse ─▶ Request | Notification | Response ─▶ peer.Peer
    bytes ◀─ one line      ◀─ message.write_*           ◀─ parameters and results            ◀─ peer.Peer

``descriptors`` finds the wire, ``pipes`` moves its bytes, ``peer`` keeps the calls of both sides apart. None of them
knows a method's meaning.
"""

# Largest frame that either side need accept, in bytes, the line end not counted. Bulk data goes over HTTP.
FRAME_MAX = 8 * 1024 * 1024
# Deepest nesting of arrays and objects in a frame; what is deeper, some receiver cannot read.
DEPTH_MAX = 100
