"""An S3 server with faults: a proxy in front of a real one, which keeps all objects and checks every signature.

    fault_s3.py --upstream http://127.0.0.1:9000 [--port 0]        prints `listening on PORT`, runs until SIGTERM

or in a test: `with FaultServer(upstream) as server: server.fault("500", count=2, match="PUT .*partNumber=")`.

Clients use it as their endpoint (path style). Requests go on as they came, with their Host, so signatures stay good:
sign for this server's address. Control, answered in JSON, never sent on:

    POST /_fault?mode=M&count=N&match=RE&arg=A    the next N (default 1) requests whose "METHOD /path?query" holds RE
                                                  (default: all) meet mode M; several faults wait side by side
    POST /_clear                                  no faults any more
    GET  /_log                                    all requests: [{"request", "status", "fault"}]; status 0: no answer

Modes (arg and its default in brackets):
    500, 502, 504    that status with an S3 error, nothing is done upstream
    503              SlowDown with Retry-After [1 s]
    reset            the connection is reset in the middle of the request's body (or after the head)
    lost             the request is done upstream, then the connection is reset: the outcome is unknown
    slow             the answer's body comes in bits of arg bytes a 50 ms [4096], whole in the end
    truncated        the answer's head, half of its body, end of the connection
    damaged          the answer's body with one bit turned (and x-amz-checksum-crc32c of the right one)
    error200         status 200 with an <Error> body InternalError, nothing is done upstream
    error200done     the same, but it was done upstream
    skew             403 RequestTimeTooSkewed with a Date that is off by arg seconds [600]; from then on until /_clear
                     every request must have that clock (a real server bears with 900 s)
    region           301 PermanentRedirect naming region arg [eu-west-1]; other regions' signatures go on
    stall            the connection stays open without an answer, nothing is done upstream
    notimplemented   501 NotImplemented for a request with If-None-Match, others go on
    expired          400 ExpiredToken
    early            the body is asked for (100 Continue), but after its first bytes comes 404 NoSuchUpload and a reset
    denied           403 AccessDenied
    conflict         409 ConditionalRequestConflict, nothing is done upstream
    parts            400 InvalidPart, nothing is done upstream: as if another completion of the upload were under way
    unguarded        the request goes on without its If-None-Match (signed again): a store that overwrites what is there

It also plays the token service: POST /_sts answers AssumeRoleWithWebIdentity with the keys of the environment
(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), valid for arg seconds of POST /_sts_lifetime?seconds=S [3].
"""

import argparse
import base64
import datetime
import email.utils
import hashlib
import hmac
import http.client
import http.server
import json
import os
import re
import signal
import socket
import struct
import threading
import time
import urllib.parse

ERROR = ('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{code} by order</Message>{more}'
         '<RequestId>fault</RequestId></Error>')
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "date", "server"}


class State:
    def __init__(self, upstream):
        self.upstream = urllib.parse.urlsplit(upstream)
        self.lock = threading.Lock()
        self.faults, self.log = [], []
        self.skew = 0
        self.sts_lifetime, self.sts_calls = 3, 0

    def take(self, request):
        """The fault this request meets, or (None, None)."""
        with self.lock:
            for fault in self.faults:
                if fault["count"] > 0 and re.search(fault["match"], request):
                    fault["count"] -= 1
                    return fault["mode"], fault["arg"]
        return None, None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    state = None

    def log_message(self, *arguments):
        pass

    def handle_expect_100(self):
        return True  # answered when the body is read: a fault can come before

    def handle_one(self):
        request = f"{self.command} {self.path}"
        path = urllib.parse.urlsplit(self.path)
        if path.path.startswith("/_"):
            return self.control(path.path, dict(urllib.parse.parse_qsl(path.query)))
        mode, arg = self.state.take(request)
        self.entry = {"request": request, "status": 0, "fault": mode}
        with self.state.lock:
            self.state.log.append(self.entry)
        if mode is None and self.state.skew and not self.has_skewed_clock():
            mode, arg = "skew", str(self.state.skew)
        known = getattr(self, "fault_" + mode, None) if mode else self.forward
        return known(arg) if mode else known()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

    # Control

    def control(self, path, query):
        body, state = self.read_body(), self.state
        answer = {}
        if path == "/_fault":
            fault = {"mode": query["mode"], "count": int(query.get("count", 1)), "match": query.get("match", ""),
                     "arg": query.get("arg")}
            with state.lock:
                state.faults.append(fault)
        elif path == "/_clear":
            with state.lock:
                state.faults, state.skew = [], 0
        elif path == "/_log":
            with state.lock:
                answer = list(state.log)
        elif path == "/_sts_lifetime":
            state.sts_lifetime = float(query["seconds"])
        elif path.startswith("/_sts"):
            return self.token_service(dict(urllib.parse.parse_qsl(body.decode())))
        self.reply(200, json.dumps(answer).encode())

    def token_service(self, form):
        if form.get("Action") != "AssumeRoleWithWebIdentity" or not form.get("WebIdentityToken") or not form.get("RoleArn"):
            return self.reply(400, b"<ErrorResponse><Error><Code>ValidationError</Code><Message>m</Message></Error></ErrorResponse>")
        self.state.sts_calls += 1
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.state.sts_lifetime)
        keys = (f"<AccessKeyId>{os.environ['AWS_ACCESS_KEY_ID']}</AccessKeyId>"
                f"<SecretAccessKey>{os.environ['AWS_SECRET_ACCESS_KEY']}</SecretAccessKey><SessionToken></SessionToken>"
                f"<Expiration>{end.strftime('%Y-%m-%dT%H:%M:%SZ')}</Expiration>")
        self.reply(200, ("<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>" + keys +
                         "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>").encode())

    # Requests and answers

    def read_body(self):
        left = int(self.headers.get("Content-Length") or 0)
        if left and self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        return self.rfile.read(left)

    def reply(self, status, body, headers=(), date_offset=0):
        if hasattr(self, "entry"):
            self.entry["status"] = status
        self.send_response_only(status)
        self.send_header("Date", email.utils.formatdate(time.time() + date_offset, usegmt=True))
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def error(self, status, code, more="", headers=(), date_offset=0):
        """Before the body was read: the client may not have sent it, so the connection ends."""
        if not self.headers.get("Expect"):
            self.read_body()
        self.close_connection = True
        self.reply(status, ERROR.format(code=code, more=more).encode(), [*headers, ("Connection", "close")], date_offset)

    def ask_upstream(self):
        body = self.read_body()
        connection = http.client.HTTPConnection(self.state.upstream.hostname, self.state.upstream.port, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in HOP]
        if self.command == "HEAD":
            headers.append(("Content-Length", answer.getheader("Content-Length", "0")))
        return answer.status, content, headers

    def forward(self):
        status, body, headers = self.ask_upstream()
        self.reply(status, body, headers)

    def reset(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile.close()

    # Faults

    def fault_500(self, arg):
        self.error(500, "InternalError")

    def fault_502(self, arg):
        self.error(502, "BadGateway")

    def fault_504(self, arg):
        self.error(504, "GatewayTimeout")

    def fault_503(self, arg):
        self.error(503, "SlowDown", headers=[("Retry-After", arg or "1")])

    def fault_expired(self, arg):
        self.error(400, "ExpiredToken")

    def fault_denied(self, arg):
        self.error(403, "AccessDenied")

    def fault_conflict(self, arg):
        self.error(409, "ConditionalRequestConflict")

    def fault_parts(self, arg):
        self.error(400, "InvalidPart")

    def fault_unguarded(self, arg):
        if self.headers.get("If-None-Match"):
            del self.headers["If-None-Match"]
            self.sign_again()
        self.forward()

    def sign_again(self):
        """AWS signature version 4 over the headers as they are now, with the keys of the environment."""
        old = dict(re.findall(r"(\w+)=([^, ]+)", self.headers["Authorization"]))
        scope = old["Credential"].split("/", 1)[1]
        names = [name for name in old["SignedHeaders"].split(";") if name in self.headers]
        path, _, query = self.path.partition("?")
        query = "&".join(sorted(part if "=" in part else part + "=" for part in query.split("&") if part))
        lines = [self.command, path, query, *(f"{name}:{self.headers[name].strip()}" for name in names), "", ";".join(names),
                 self.headers["x-amz-content-sha256"]]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope, digest])
        key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
        for part in [*scope.split("/"), text]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        self.headers.replace_header("Authorization", f"AWS4-HMAC-SHA256 Credential={old['Credential']}, "
                                    f"SignedHeaders={';'.join(names)}, Signature={key.hex()}")

    def fault_reset(self, arg):
        length = int(self.headers.get("Content-Length") or 0)
        if length and self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        self.rfile.read(length // 2)
        self.reset()

    def fault_early(self, arg):
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        self.rfile.read(1000)
        self.reply(404, ERROR.format(code="NoSuchUpload", more="").encode(), [("Connection", "close")])
        self.reset()

    def fault_lost(self, arg):
        self.entry["done"] = self.ask_upstream()[0]
        self.reset()

    def fault_slow(self, arg):
        status, body, headers = self.ask_upstream()
        self.reply(status, b"", [*headers, ("Content-Length", str(len(body)))])
        size = int(arg or 4096)
        for start in range(0, len(body), size):
            time.sleep(0.05)
            self.wfile.write(body[start:start + size])
            self.wfile.flush()

    def fault_truncated(self, arg):
        status, body, headers = self.ask_upstream()
        self.close_connection = True
        self.reply(status, body[:len(body) // 2], [*headers, ("Content-Length", str(len(body)))])

    def fault_damaged(self, arg):
        status, body, headers = self.ask_upstream()
        headers = [(n, v) for n, v in headers if n.lower() != "x-amz-checksum-crc32c"]
        self.reply(status, bytes([body[0] ^ 1]) + body[1:], [*headers, ("x-amz-checksum-crc32c", crc32c_base64(body))])

    def fault_error200(self, arg):
        self.read_body()
        self.reply(200, ERROR.format(code="InternalError", more="").encode())

    def fault_error200done(self, arg):
        self.entry["done"] = self.ask_upstream()[0]
        self.reply(200, ERROR.format(code="InternalError", more="").encode())

    def fault_skew(self, arg):
        self.state.skew = int(arg or 600)
        self.error(403, "RequestTimeTooSkewed", date_offset=self.state.skew)

    def has_skewed_clock(self):
        """Whether the request is signed with the time of the skew."""
        sent = datetime.datetime.strptime(self.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
        return abs(sent - time.time() - self.state.skew) < 60

    def fault_region(self, arg):
        region = arg or "eu-west-1"
        if f"/{region}/s3/" in self.headers.get("Authorization", ""):
            return self.forward()
        self.error(301, "PermanentRedirect", more=f"<Region>{region}</Region>", headers=[("x-amz-bucket-region", region)])

    def fault_stall(self, arg):
        self.read_body()
        self.close_connection = True
        self.connection.settimeout(60)
        try:
            self.rfile.read(1)  # until the client gives up
        except OSError:
            pass

    def fault_notimplemented(self, arg):
        if not self.headers.get("If-None-Match"):
            return self.forward()
        self.error(501, "NotImplemented")


def crc32c_base64(data):
    crc = 0xffffffff
    table = []
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ (0x82f63b78 if c & 1 else 0)
        table.append(c)
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return base64.b64encode(struct.pack(">I", crc ^ 0xffffffff)).decode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went away


class FaultServer:
    """The server in a thread of this process."""

    def __init__(self, upstream, port=0):
        self.state = State(upstream)
        self.server = Server(("127.0.0.1", port), type("Bound", (Handler,), {"state": self.state}))
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()

    def fault(self, mode, count=1, match="", arg=None):
        self.state.faults.append({"mode": mode, "count": count, "match": match, "arg": arg})

    def met(self):
        """Modes that requests have met, in order."""
        return [entry["fault"] for entry in self.state.log if entry["fault"]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with FaultServer(arguments.upstream, arguments.port) as server:
        print(f"listening on {server.port}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
