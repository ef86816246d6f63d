"""E-mail from end to end: a real SMTP server with STARTTLS or TLS from the first byte, the three kinds
of AUTH, the mail taken apart; and servers to which nothing may be told."""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import socket
import ssl
import subprocess
import threading
import time

import house

USER, PASSWORD, SECRET = "edge@example.org", "pa ss\u00e4", "cram secret"
ALERTMANAGER = """
global:
  smtp_from: 'Edge <alerts@example.org>'
  smtp_hello: edge1.example.org
  smtp_auth_username: %(user)s
route:
  receiver: plain
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
%(routes)s
receivers:
%(receivers)s
"""
RECEIVER = """
  - name: %(name)s
    email_configs:
      - to: 'Ops <ops@example.org>, two@example.org'
        smarthost: 127.0.0.1:%(port)d
        send_resolved: true
        headers: {Subject: '[{{ .Status | toUpper }}] {{ .GroupLabels.alertname }} \u00fcber'}
        text: "{{ range .Alerts }}{{ .Labels.instance }}: {{ .Annotations.summary }}{{ end }}"
        tls_config: {ca_file: %(ca)s}
        %(more)s
"""


class SmtpServer:
    """What it was told: mails (accepted), commands, the name that proved itself."""

    def __init__(self, context, auth=(), starttls=True, implicit=False, trouble=None):
        self.context, self.auth, self.starttls = context, auth, starttls
        self.implicit, self.trouble = implicit, trouble
        self.mails, self.commands = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            connection.settimeout(60)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.trouble == "silent":
                connection.recv(1)
                return
            self.talk(connection)
        except (OSError, ssl.SSLError, ValueError, IndexError):
            pass
        finally:
            connection.close()

    def talk(self, connection):
        tls = self.implicit
        if tls:
            connection = self.context.wrap_socket(connection, server_side=True)
        stream = connection.makefile("rwb", buffering=0)
        user, sender, recipients = None, None, []

        def say(line):
            stream.write(line.encode() + b"\r\n")

        def ask(challenge):
            say("334 " + base64.b64encode(challenge).decode())
            return base64.b64decode(stream.readline().strip())

        say("220 mail.example.org ESMTP")
        while True:
            line = stream.readline().decode().rstrip("\r\n")
            if not line:
                return
            self.commands.append(("tls" if tls else "clear", line))
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                offers = ["mail.example.org", "8BITMIME"]
                if self.starttls and not tls:
                    offers.append("STARTTLS")
                if self.auth:
                    offers.append("AUTH " + " ".join(self.auth))
                for offer in offers[:-1]:
                    say("250-" + offer)
                say("250 " + offers[-1])
            elif verb == "STARTTLS":
                say("220 go ahead")
                connection = self.context.wrap_socket(connection, server_side=True)
                stream = connection.makefile("rwb", buffering=0)
                tls = True
            elif verb == "AUTH":
                kind, _, initial = rest.partition(" ")
                user = self.prove(kind.upper(), initial, ask)
                say("235 welcome" if user else "535 no")
            elif verb == "MAIL":
                if self.auth and user is None:
                    say("530 who are you")
                elif self.trouble == "busy" and not self.mails:
                    self.mails.append(None)  # the first time only
                    say("451 come back later")
                else:
                    sender, recipients = rest, []
                    say("250 ok")
            elif verb == "RCPT":
                recipients.append(rest)
                say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                data = b""
                while not data.endswith(b"\r\n.\r\n"):
                    got = stream.readline()
                    if not got:
                        return
                    data += got
                data = data[:-3].replace(b"\r\n..", b"\r\n.")
                self.mails.append((tls, user, sender, recipients, data))
                say("250 queued")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok" if verb in ("NOOP", "RSET") else "502 what")

    def prove(self, kind, initial, ask):
        if kind not in self.auth:
            return None
        if kind == "PLAIN":
            _, user, password = (base64.b64decode(initial) if initial else ask(b"")).split(b"\0")
            return user.decode() if (user, password) == (USER.encode(), PASSWORD.encode()) else None
        if kind == "LOGIN":
            user = base64.b64decode(initial) if initial else ask(b"Username:")
            return USER if (user, ask(b"Password:")) == (USER.encode(), PASSWORD.encode()) else None
        challenge = b"<%d@mail.example.org>" % time.monotonic_ns()
        user, digest = ask(challenge).rsplit(b" ", 1)
        wanted = hmac.new(SECRET.encode(), challenge, hashlib.md5).hexdigest().encode()
        return USER if user == USER.encode() and hmac.compare_digest(digest, wanted) else None

    def accepted(self):
        return [mail for mail in self.mails if mail is not None]


def certificate(folder, name):
    program = house.need_program("openssl", "openssl")
    key, path = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".pem")
    subprocess.run([program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", key, "-out", path, "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return path, context


def post_alert(tocsin, resolved):
    now = time.time()
    stamp = lambda t: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))
    alert = {"labels": {"alertname": "DiskFull", "instance": "edge<1>", "severity": "page"},
             "annotations": {"summary": "90 % of \u201cdata\u201d\n.\n..dots"},
             "startsAt": stamp(now - 60), "endsAt": stamp(now - 1 if resolved else now + 600),
             "generatorURL": "http://edge.example.org/graph?g0.expr=up"}
    status, text = tocsin.request("POST", "/api/v2/alerts", json.dumps([alert]),
                                  {"Content-Type": "application/json"})
    house.check(status == 200, text)


def check_mail(name, mail, tls, status):
    was_tls, user, sender, recipients, data = mail
    known = None if name == "relay" else USER
    house.check(was_tls == tls and user == known, "%s: %s %s" % (name, was_tls, user))
    house.check(sender.startswith("FROM:<alerts@example.org>"), sender)
    house.check([r.split()[0] for r in recipients] ==
                ["TO:<ops@example.org>", "TO:<two@example.org>"], str(recipients))
    house.check(all(len(line) <= 998 for line in data.split(b"\r\n")) and
                b"\n" not in data.replace(b"\r\n", b""), "lines of the mail")
    message = email.message_from_bytes(data, policy=email.policy.default)
    house.check(not message.defects, str(message.defects))
    for header, want in (("From", "Edge <alerts@example.org>"),
                         ("To", "Ops <ops@example.org>, two@example.org"),
                         ("Subject", "[%s] DiskFull \u00fcber" % status)):
        house.check(str(message[header]) == want, "%s: %s" % (header, message[header]))
    house.check(message["Date"].datetime is not None and "@" in message["Message-Id"], "Date")
    house.check(message.get_content_type() == "multipart/alternative", message.get_content_type())
    text, html = message.iter_parts()
    house.check(text.get_content_type() == "text/plain" and html.get_content_type() == "text/html",
                "the parts of the mail")
    text, html = text.get_content(), html.get_content()
    house.check(text.replace("\r\n", "\n").rstrip("\n") ==
                "edge<1>: 90 % of \u201cdata\u201d\n.\n..dots", repr(text))
    house.check("edge&lt;1&gt;" in html and "\u201cdata\u201d" in html and
                html.rstrip().endswith("</html>"), "the html part: " + html[-300:])


def test(binary, folder, stack):
    ca, context = certificate(folder, "mail")
    _, stranger = certificate(folder, "stranger")
    servers = {
        "plain": SmtpServer(context, ["PLAIN"]),
        "login": SmtpServer(context, ["LOGIN"]),
        "cram": SmtpServer(context, ["CRAM-MD5"], starttls=False),
        "implicit": SmtpServer(context, ["PLAIN", "LOGIN"], starttls=False, implicit=True),
        "busy": SmtpServer(context, ["PLAIN"], trouble="busy"),
        # A relay that offers TLS with a certificate nobody knows, and no AUTH.
        "relay": SmtpServer(stranger),
        # To these nothing is sent, and they do not learn the password.
        "cleartext": SmtpServer(context, ["PLAIN"], starttls=False),
        "stranger": SmtpServer(stranger, ["PLAIN"]),
        "silent": SmtpServer(context, ["PLAIN"], trouble="silent"),
    }
    password = "auth_password: '%s'" % PASSWORD
    more = {"cram": "auth_secret: %s\n        require_tls: false" % SECRET,
            "relay": "require_tls: false",
            "implicit": password + "\n        force_implicit_tls: true"}
    receivers = ""
    for name, server in servers.items():
        stack.callback(server.listener.close)
        receivers += RECEIVER % {"name": name, "port": server.port, "ca": ca,
                                 "more": more.get(name, password)}
    routes = "\n".join("    - {receiver: %s, continue: true}" % name for name in servers)
    alertmanager = ALERTMANAGER % {"user": USER, "routes": routes, "receivers": receivers}
    tocsin = house.Tocsin(binary, folder, "global: {}\n", alertmanager)
    stack.callback(tocsin.close)
    tocsin.start()
    good = {"plain": True, "login": True, "cram": False, "implicit": True, "busy": True,
            "relay": False}
    for round_number, status in enumerate(("FIRING", "RESOLVED"), 1):
        post_alert(tocsin, status == "RESOLVED")
        for name, tls in good.items():
            house.wait_for("%s mail by %s" % (status, name), 20 * house.SLACK,
                           lambda: len(servers[name].accepted()) >= round_number)
            check_mail(name, servers[name].accepted()[round_number - 1], tls, status)
    house.check(all(len(servers[name].accepted()) == 2 for name in good), "mails sent twice")
    hello = servers["plain"].commands[0]
    house.check(hello == ("clear", "EHLO edge1.example.org"), str(hello))
    house.check(not any(how == "clear" and line.split()[0] not in ("EHLO", "STARTTLS", "QUIT")
                        for how, line in servers["plain"].commands), "told before TLS")
    for name in ("cleartext", "stranger", "silent"):
        told = [line for _, line in servers[name].commands]
        house.check(not servers[name].mails and not any("AUTH" in l or "MAIL" in l for l in told),
                    "%s was told %s" % (name, told))
    failed = tocsin.metric("alertmanager_notification_requests_failed_total")
    house.check(failed >= 3, "%d failed requests counted" % failed)
    house.check(PASSWORD not in tocsin.log_text() and SECRET not in tocsin.log_text(),
                "a password is in the log")
    print("12 mails by 6 servers; 3 servers got none")


house.run(test)
