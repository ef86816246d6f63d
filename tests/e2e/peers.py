"""Other programs that the tests run beside tocsin: Debian's prometheus as centre or sender, vmagent."""

import http.client
import json
import os
import struct
import subprocess
import urllib.parse

import house
import remote_write


class Peer:
    """A process with an HTTP port; it may be killed and started again over the same folder."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder)
        self.port = house.free_port()
        self.process = None

    def start(self, command, ready):
        with open(os.path.join(self.folder, "log"), "a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        house.wait_for("start of " + command[0], 30, lambda: self.answers(ready))

    def answers(self, path):
        house.check(self.process.poll() is None, "a peer ended: " + self.folder)
        try:
            return self.request("GET", path)[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Prometheus(Peer):
    def __init__(self, folder, name, config, flags=()):
        super().__init__(folder, name)
        self.program = house.need_program("prometheus", "prometheus")
        self.flags = list(flags)
        house.write(os.path.join(self.folder, "prometheus.yml"), config)

    def run(self):
        self.start([self.program, "--config.file=" + os.path.join(self.folder, "prometheus.yml"),
                    "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                    "--web.listen-address=127.0.0.1:%d" % self.port] + self.flags, "/-/ready")

    def query(self, expression, **params):
        params["query"] = expression
        status, body = self.request("GET", "/api/v1/query?" + urllib.parse.urlencode(params))
        body = json.loads(body)
        house.check(status == 200, "%s: %s" % (expression, body))
        return body["data"]["result"]

    def remote_read(self, name, start_ms, end_ms):
        """{labels as sorted pairs: [(time in ms, bits of the value)]} of one metric."""
        varint, field = remote_write.varint, remote_write.field
        matcher = field(2, b"__name__") + field(3, name.encode())
        query = b"\x08" + varint(start_ms) + b"\x10" + varint(end_ms) + field(3, matcher)
        status, body = self.request(
            "POST", "/api/v1/read", remote_write.snappy(field(1, query)),
            {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
             "X-Prometheus-Remote-Read-Version": "0.1.0"})
        house.check(status == 200, "remote_read: %s" % body)
        out = {}
        for _, result in fields(unsnappy(body)):
            for _, series in fields(result):
                labels, samples = [], []
                for number, item in fields(series):
                    parts = dict(fields(item))
                    if number == 1:
                        labels.append((parts[1].decode(), parts.get(2, b"").decode()))
                    else:
                        samples.append((parts.get(2, 0), parts.get(1, 0)))
                out[tuple(labels)] = samples
        return out


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(message):
    """(field number, bytes or integer) of a protobuf message; doubles as their bits."""
    at, out = 0, []
    while at < len(message):
        tag, at = read_varint(message, at)
        if tag & 7 == 0:
            value, at = read_varint(message, at)
        elif tag & 7 == 1:
            value, at = struct.unpack_from("<Q", message, at)[0], at + 8
        else:
            size, at = read_varint(message, at)
            value, at = message[at:at + size], at + size
        out.append((tag >> 3, value))
    return out


def unsnappy(data):
    size, at = read_varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = (tag >> 2) + 1
            if length > 60:
                extra = length - 60
                length = int.from_bytes(data[at:at + extra], "little") + 1
                at += extra
            out += data[at:at + length]
            at += length
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    house.check(len(out) == size, "a malformed snappy block")
    return bytes(out)


def samples(query, selector, at, window, without=()):
    """{(labels without some, time in ms): value text} by an instant query for raw samples."""
    out = {}
    for series in query("%s[%ds]" % (selector, window), time="%.3f" % at):
        labels = tuple(sorted((n, v) for n, v in series["metric"].items() if n not in without))
        for t, v in series["values"]:
            out[labels, round(float(t) * 1000)] = v
    return out


def check_equal(what, want, got):
    missing = sorted(set(want) - set(got))
    extra = sorted(set(got) - set(want))
    differ = sorted(k for k in want if k in got and want[k] != got[k])
    house.check(not missing and not extra and not differ,
                "%s: %d samples expected; %d missing %s, %d too many %s, %d differ %s" % (
                    what, len(want), len(missing), missing[:3], len(extra), extra[:3],
                    len(differ), differ[:3]))
