"""The S3 store against MinIO and versitygw, and behind a server with faults (fault_s3.py)."""

import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import time
import unittest
import uuid

from fault_s3 import FaultServer
from harness import BUILD, service

CONTRACT = BUILD / "tests" / "unit" / "s3" / "s3_contract"
# Nothing of the machine's own credentials.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
# Uploads of earlier processes, and the rest of what a checkpoint needs.
RECOVERY = ("resume_sealed", "resume_open", "list_uploads", "list_many_uploads", "large", "own_or_others")
QUICK = {"S3_CONNECT_MS": "2000", "S3_REQUEST_MS": "1500", "S3_LOW_SPEED_SECONDS": "1", "S3_BYTES_PER_SECOND": "5000000"}


def contract(server, *scenarios, bucket=None, env=None):
    return subprocess.run([CONTRACT, bucket or f"lake-{uuid.uuid4().hex[:10]}", *scenarios], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, env={**CLEAN, **server, **(env or {})})


class Contract(unittest.TestCase):
    def check(self, name, *scenarios):
        run = contract(service(name), *scenarios)
        self.assertEqual(run.returncode, 0, run.stderr[-2000:])
        return run

    def test_minio(self):
        self.check("minio", "objects", "names", "race", "uploads", "aborts", "listing", "deliver")

    def test_versitygw(self):
        self.check("versitygw", "objects", "names", "race", "uploads", "aborts", "listing", "deliver")

    def test_recovery_minio(self):
        self.check("minio", *RECOVERY)

    def test_recovery_versitygw(self):
        self.check("versitygw", *RECOVERY)

    def test_the_loop_turns_while_parts_are_hashed(self):
        self.check("minio", "turns")

    def test_trouble_minio(self):
        self.check("minio", "wrong", "unreachable", "silence", "cancels", "hosts", "rotation")

    def test_trouble_versitygw(self):
        self.check("versitygw", "wrong", "cancels", "rotation")

    def test_another_region(self):
        run = self.check("versitygw", "region")
        self.assertRegex(run.stdout, r"^notices=1 bucket \S+ is in region us-east-1, not eu-west-1: going there")


# curl itself sends a small request again when a connection that was used before breaks without an answer.
RESENT = (0, 1)


class Faults(unittest.TestCase):
    """Each fault, once or several times, somewhere in a delivery: the object must be there, whole, once."""

    def deliver(self, *faults, upstream="minio", env=None, retries=None):
        exports = service(upstream)
        with FaultServer(exports["S3_ENDPOINT"]) as server:
            for fault in faults:
                server.fault(*fault[:1], **fault[1])
            started = time.monotonic()
            run = contract({**exports, "S3_ENDPOINT": server.url}, "deliver", env=env)
            self.assertEqual(run.returncode, 0, f"{run.stderr[-1500:]}\n{server.state.log}")
            self.assertEqual(set(server.met()), {fault[0] for fault in faults}, "the faults were met")
            found = int(re.search(r"retries=(\d+)", run.stdout).group(1))
            if retries is not None:
                self.assertIn(found, retries if isinstance(retries, tuple) else (retries,), run.stderr)
            return run, time.monotonic() - started

    def test_errors_of_the_server(self):
        for match in (r"POST .*\?uploads", r"PUT .*partNumber=1", r"PUT .*partNumber=2", r"POST .*uploadId=", r"GET .*type",
                      r"GET .*list-type", r"PUT .*/once"):
            for mode in ("500", "502", "504"):
                with self.subTest(match=match, mode=mode):
                    self.deliver((mode, {"count": 2, "match": match}), retries=2)

    def test_slow_down_is_obeyed(self):
        _, seconds = self.deliver(("503", {"match": r"PUT .*partNumber=1", "arg": "2"}), retries=1)
        self.assertGreater(seconds, 2)

    def test_resets(self):
        for match in (r"PUT .*partNumber=1", r"PUT .*partNumber=2", r"POST .*uploadId=", r"GET .*type", r"PUT .*/once"):
            with self.subTest(match=match):
                self.deliver(("reset", {"count": 2, "match": match}))

    def test_lost_answers(self):
        """The outcome is not known; above all that of a completion."""
        for match in (r"POST .*uploadId=", r"PUT .*partNumber=1", r"PUT .*/once"):
            for upstream in ("minio", "versitygw"):
                with self.subTest(match=match, upstream=upstream):
                    self.deliver(("lost", {"match": match}), upstream=upstream, retries=RESENT if match.startswith("POST") else 1)

    def test_a_completion_that_is_lost_and_cannot_be_looked_at(self):
        self.deliver(("lost", {"match": r"POST .*uploadId="}), ("500", {"count": 3, "match": "^HEAD "}), retries=(3, 4))

    def test_errors_under_200(self):
        for mode in ("error200", "error200done"):
            with self.subTest(mode=mode):
                self.deliver((mode, {"match": r"POST .*uploadId="}), retries=1)

    def test_answers_cut_off(self):
        for match in (r"GET .*type", r"POST .*uploadId=", r"GET .*list-type"):
            with self.subTest(match=match):
                self.deliver(("truncated", {"match": match}), retries=1)

    def test_damage_is_seen_by_the_checksum(self):
        self.deliver(("damaged", {"match": r"GET .*/once"}), retries=1)

    def test_slow_answers(self):
        self.deliver(("slow", {"match": r"GET .*type", "arg": "500000"}), retries=0)
        self.deliver(("slow", {"match": r"GET .*type", "arg": "10"}), retries=1, env={**QUICK, "S3_LOW_SPEED_SECONDS": "2"})

    def test_stalled_connections(self):
        for match in (r"PUT .*partNumber=1", r"POST .*uploadId=", r"GET .*type"):
            with self.subTest(match=match):
                self.deliver(("stall", {"match": match}), retries=1, env=QUICK)

    def test_a_clock_that_differs(self):
        run, _ = self.deliver(("skew", {"match": r"PUT .*partNumber=1"}), retries=0)
        self.assertIn("notices=1", run.stdout)
        self.assertRegex(run.stderr, "notice: this machine's clock differs from the S3 server's by -?(600|599|601) s")

    def test_another_region(self):
        for match in (r"PUT .*partNumber=1", r"POST .*uploadId=", r"GET .*type"):
            with self.subTest(match=match):
                run, _ = self.deliver(("region", {"count": 100, "match": match}), retries=0)
                self.assertIn("is in region eu-west-1, not us-east-1", run.stderr)

    def test_a_server_without_conditional_completion(self):
        self.deliver(("notimplemented", {"count": 100, "match": r"POST .*uploadId="}), retries=0)
        self.deliver(("notimplemented", {"count": 1, "match": r"POST .*uploadId="}),
                     ("lost", {"match": r"POST .*uploadId="}), retries=RESENT)

    def test_an_abort_is_bounded(self):
        exports = service("minio")
        with FaultServer(exports["S3_ENDPOINT"]) as server:
            server.fault("stall", count=9, match="DELETE .*uploadId")
            run = contract({**exports, "S3_ENDPOINT": server.url}, "stalled_abort")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(server.met(), ["stall"])

    def scenario(self, name, *faults, upstream="minio"):
        """What it printed, when it met the faults and all was as it should be."""
        exports = service(upstream)
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ[key] = exports[key]
            self.addCleanup(os.environ.pop, key, None)
        with FaultServer(exports["S3_ENDPOINT"]) as server:
            for mode, options in faults:
                server.fault(mode, **options)
            run = contract({**exports, "S3_ENDPOINT": server.url}, name)
            self.assertEqual(run.returncode, 0, f"{run.stderr[-1500:]}\n{server.state.log}")
            self.assertEqual(set(server.met()), {fault[0] for fault in faults}, "the faults were met")
            return run.stdout

    def test_a_put_if_absent_knows_its_own_object(self):
        for upstream in ("minio", "versitygw"):
            with self.subTest(upstream=upstream):
                out = self.scenario("own_or_others", ("lost", {"match": r"PUT .*/mine"}), upstream=upstream)
                self.assertIn("retries=1", out)
        out = self.scenario("own_or_others", ("conflict", {"count": 2, "match": r"PUT .*/mine"}),
                            ("lost", {"match": r"PUT .*/mine"}), ("500", {"match": r"GET .*/mine"}))
        self.assertIn("retries=4", out)
        out = self.scenario("own_or_others", ("500", {"match": r"PUT .*/theirs"}), ("conflict", {"match": r"PUT .*/theirs"}),
                            ("503", {"match": r"PUT .*/theirs"}))
        self.assertRegex(out, "retries=3")

    def test_a_store_that_guards_nothing_is_told_apart(self):
        for upstream in ("minio", "versitygw"):
            with self.subTest(upstream=upstream):
                self.assertIn("guard=yes", self.scenario("guard", upstream=upstream))
                self.assertIn("guard=yes", self.scenario("guard", ("lost", {"match": r"PUT .*/probe"}), upstream=upstream))
                self.assertIn("guard=no", self.scenario("guard", ("unguarded", {"count": 9}), upstream=upstream))

    def test_resumed_uploads_whose_answers_are_lost(self):
        for match in (r"POST .*uploadId=", r"HEAD ", r"DELETE .*uploadId="):
            with self.subTest(match=match):
                self.scenario("resume_sealed", ("lost", {"match": match}))

    def test_a_completion_while_the_server_is_at_that_of_a_dead_process(self):
        self.scenario("resume_sealed", ("parts", {"count": 2, "match": r"POST .*uploadId="}))

    def test_an_answer_before_a_reset_counts(self):
        self.scenario("append_gone", ("early", {"count": 99, "match": "PUT .*partNumber"}))

    def test_listing_uploads_may_be_forbidden(self):
        self.scenario("list_denied", ("denied", {"match": r"GET .*uploads"}))
        self.scenario("list_nothing", ("denied", {"match": r"GET [^?]*\?uploads=?$"}))

    def test_expired_credentials_at_run_time(self):
        self.deliver(("expired", {"count": 2, "match": r"PUT .*partNumber=2"}), retries=2)


class Credentials(unittest.TestCase):
    def test_web_identity_is_refreshed_ahead_of_expiry(self):
        exports = dict(service("minio"))
        os.environ.update(AWS_ACCESS_KEY_ID=exports["AWS_ACCESS_KEY_ID"], AWS_SECRET_ACCESS_KEY=exports["AWS_SECRET_ACCESS_KEY"])
        self.addCleanup(os.environ.pop, "AWS_ACCESS_KEY_ID")
        self.addCleanup(os.environ.pop, "AWS_SECRET_ACCESS_KEY")
        with tempfile.NamedTemporaryFile("w") as token, FaultServer(exports["S3_ENDPOINT"]) as server:
            token.write("a.web.token\n")
            token.flush()
            run = contract({"S3_ENDPOINT": server.url, "AWS_ENDPOINT_URL_STS": server.url + "/_sts",
                            "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": token.name}, "web")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertGreaterEqual(server.state.sts_calls, 3)
            self.assertLess(server.state.sts_calls, 12)


class Tls(unittest.TestCase):
    """MinIO behind TLS is the same server; what is tested is who is trusted."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="sluice-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", self.directory / "key", "-out", self.directory / "cert"],
                       check=True, capture_output=True)
        self.exports = dict(service("minio"))
        server = FaultServer(self.exports["S3_ENDPOINT"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "cert", self.directory / "key")
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        server.__enter__()
        self.addCleanup(server.__exit__)
        self.exports["S3_ENDPOINT"] = f"https://localhost:{server.port}"

    def test_the_given_authority_is_trusted(self):
        run = contract(self.exports, "deliver", env={"S3_CA_FILE": str(self.directory / "cert")})
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_no_verification_on_request(self):
        run = contract(self.exports, "deliver", env={"S3_INSECURE": "1"})
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_others_are_not(self):
        run = contract(self.exports, "deliver")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("certificate", run.stderr)


if __name__ == "__main__":
    unittest.main()
