"""Remote write 1.0 requests, from the standard library alone."""

import struct

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
           "X-Prometheus-Remote-Write-Version": "0.1.0"}
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def snappy(data):
    """A valid snappy block without compression."""
    out = bytearray(varint(len(data)))
    for start in range(0, len(data), 65536):
        piece = data[start:start + 65536]
        out += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


def request(series):
    """The body for [(labels, [(time in ms, value)])]; labels is a dict with __name__."""
    body = bytearray()
    for labels, samples in series:
        one = bytearray()
        for name, value in sorted(labels.items()):
            one += field(1, field(1, name.encode()) + field(2, value.encode()))
        for t, value in samples:
            # Packed by hand: a float as struct sees it keeps the bits of the staleness marker.
            one += field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(t))
        body += field(1, bytes(one))
    return snappy(bytes(body))
