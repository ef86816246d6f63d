"""What the end-to-end tests share: the real binary, an exporter and a receiver to play with.

A script gets the path of tocsin as its argument, uses 127.0.0.1 only, and ends every process it
started. Exit status 77 means skipped (a program or a file it needs is not here), with the reason.
"""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

SKIPPED = 77
# A machine that builds and tests at once is late now and then.
SLACK = float(os.environ.get("TOCSIN_E2E_SLACK", "1.5"))


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(SKIPPED)


def need_program(name, package):
    path = shutil.which(name)
    if path is None:
        skip("%s is not installed (apt-get install %s)" % (name, package))
    return path


def shared_file(*parts):
    """A file of the optional folder of seeds beside the source tree, or None."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.path.join(root, "..", "shared", *parts)
    return path if os.path.exists(path) else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def wait_for(what, seconds, probe, step=0.05):
    """Calls probe until it gives something true; returns that and the seconds it took."""
    start = time.monotonic()
    while True:
        found = probe()
        took = time.monotonic() - start
        if found:
            return found, took
        if took > seconds:
            raise AssertionError("%s did not happen within %.1f s" % (what, seconds))
        time.sleep(step)


class Tocsin:
    """One tocsin process over a folder of its own."""

    def __init__(self, binary, folder, config, alertmanager=None, flags=()):
        self.binary, self.folder, self.flags = binary, folder, list(flags)
        self.port = free_port()
        self.config_path = os.path.join(folder, "prometheus.yml")
        self.alertmanager_path = os.path.join(folder, "alertmanager.yml") if alertmanager else None
        self.data = os.path.join(folder, "data")
        self.log_path = os.path.join(folder, "tocsin.log")
        self.process = None
        self.write_config(config)
        if alertmanager:
            write(self.alertmanager_path, alertmanager)

    def write_config(self, text):
        write(self.config_path, text)

    def command(self):
        out = [self.binary, "--config.file=" + self.config_path,
               "--storage.tsdb.path=" + self.data,
               "--web.listen-address=127.0.0.1:%d" % self.port, "--web.enable-lifecycle"]
        if self.alertmanager_path:
            out.append("--alertmanager.config.file=" + self.alertmanager_path)
        return out + self.flags

    def launch(self):
        self.log = open(self.log_path, "a")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log)

    def start(self, seconds=30):
        """Returns the moment (monotonic) at which it was ready."""
        self.launch()
        wait_for("readiness", seconds, self.ready, step=0.01)
        return time.monotonic()

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError("tocsin ended with %d:\n%s" % (self.process.returncode,
                                                               self.log_text()[-2000:]))
        try:
            return self.request("GET", "/-/ready")[0] == 200
        except OSError:
            return False

    def refuses_to_start(self, seconds=30):
        """Starts it, expects it to give up; returns its status and what it printed."""
        done = subprocess.run(self.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds, text=True, check=False)
        check(done.returncode != 0, "tocsin started: " + done.stdout)
        return done.returncode, done.stdout

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds=20):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def log_text(self):
        with open(self.log_path) as f:
            return f.read()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def api(self, path, **params):
        status, text = self.request(
            "GET", "/api/v1/" + path + ("?" + urllib.parse.urlencode(params) if params else ""))
        body = json.loads(text)
        check(status == 200 and body["status"] == "success", "%s: %d %s" % (path, status, text))
        return body["data"]

    def query(self, expression, **params):
        return self.api("query", query=expression, **params)["result"]

    def samples(self, selector, window="1h"):
        """{(labels, timestamp text): value text} of every raw sample."""
        out = {}
        for series in self.query("%s[%s]" % (selector, window)):
            name = json.dumps(series["metric"], sort_keys=True)
            for t, v in series["values"]:
                out[name, "%.3f" % t] = v
        return out

    def targets(self):
        return {t["labels"]["job"]: t for t in self.api("targets")["activeTargets"]}

    def metric(self, name):
        """The sum over the series of an own metric, 0 when there is none."""
        total = 0.0
        for line in self.request("GET", "/metrics")[1].splitlines():
            if line.startswith((name + " ", name + "{")):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def rss_bytes(self):
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Exporter:
    """Pages by path; a page is text or a function that gets the request handler."""

    def __init__(self, pages):
        self.pages = pages
        self.hits = []  # (monotonic time, path)
        self.stopping = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.hits.append((time.monotonic(), self.path))
                page = outer.pages.get(self.path)
                if callable(page):
                    page(self)
                    return
                body = (page or "").encode()
                self.send_response(200 if page is not None else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

            def handle(self):
                with contextlib.suppress(ConnectionError):
                    super().handle()

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


class Receiver:
    """Keeps what is POSTed: (monotonic time, path, parsed JSON)."""

    def __init__(self):
        self.posts = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.posts.append((time.monotonic(), self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args):
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def first(self, accept):
        return next((post for post in list(self.posts) if accept(post)), None)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def run(test):
    """Runs test(binary, folder, stack); closes what it registered on the stack."""
    if len(sys.argv) != 2:
        sys.exit("usage: %s PATH-OF-TOCSIN" % sys.argv[0])
    folder = tempfile.mkdtemp(prefix="tocsin-e2e-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            test(os.path.abspath(sys.argv[1]), folder, stack)
        except AssertionError as failure:
            log = os.path.join(folder, "tocsin.log")
            if os.path.exists(log):
                with open(log) as f:
                    print("--- end of tocsin's log ---\n" + f.read()[-4000:])
            print("FAILED:", failure)
            sys.exit(1)
    print("ok")
