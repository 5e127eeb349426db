"""Every command of docs/tutorial.md that needs no container, in order.

Blocks ```sh run in one shell; ```sh background are the further terminals; ```sh stop ends the last of these. Ports are replaced by free ones, and all
files of the tutorial are in a directory of the test.
"""

import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import ROOT, SLUICE, Case, free_port, wait_until

# What a terminal shows at some time: (part of its command, pattern).
SHOWN = [("sluice produce", r"messages|sent|/s"), ("examples/transactions.json", r"Batch: 1\n"), ("examples/by_type.json", r"\|\{20\d\d-.*\|purchase")]


class Tutorial(Case):
    def setUp(self):
        super().setUp()
        for name in ("dashboards", "examples", "compose"):
            shutil.copytree(ROOT / name, self.directory / name, ignore=shutil.ignore_patterns("lab.yml"))
        (self.directory / "scripts").symlink_to(ROOT / "scripts")
        (self.directory / "build").mkdir()
        (self.directory / "build" / "sluice").symlink_to(os.path.abspath(SLUICE))
        self.ports = {port: str(free_port()) for port in ("8080", "9091")}
        self.env = {**os.environ, "SLUICE_SERVICES_DIR": str(self.directory / "services")}
        self.env.pop("KAFKA_BROKERS", None)
        self.terminals = []
        self.addCleanup(subprocess.run, [ROOT / "scripts" / "services", "down"], env=self.env, stdin=subprocess.DEVNULL)

    def blocks(self):
        text = (ROOT / "docs" / "tutorial.md").read_text()
        for kind, block in re.findall(r"^```sh ?(\w*)\n(.*?)^```$", text, re.M | re.S):
            for port, free in self.ports.items():
                block = block.replace(f":{port}", f":{free}")
            yield kind, block.replace("/tmp/sluice-prometheus", str(self.directory / "prometheus-data"))

    def terminal(self, block):
        path = self.directory / f"terminal{len(self.terminals)}"
        with open(path, "wb") as out:
            process = subprocess.Popen(["bash", "-euc", block], cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True)
        self.terminals.append((process, path))
        self.addCleanup(self.stop, process)
        for part, pattern in SHOWN:
            if part in block:
                def shown(pattern=pattern):
                    self.assertIsNone(process.poll(), path.read_text())
                    return re.search(pattern, path.read_text())
                wait_until(shown, 60, f"{pattern} of {part}")

    def stop(self, process):
        """Ctrl-C in its terminal; with sluice it is exit 0."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        return process.wait(30)

    def test_every_command(self):
        shell = subprocess.Popen(["bash", "-eu"], cwd=self.directory, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        self.addCleanup(shell.stdout.close)
        self.addCleanup(shell.stdin.close)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        shown = []
        for kind, block in self.blocks():
            if kind == "background":
                self.terminal(block)
            elif kind == "stop":
                self.assertIn(self.stop(self.terminals.pop()[0]), (0, 130))
            elif kind == "last":
                while self.terminals:
                    self.stop(self.terminals.pop()[0])
            if kind in ("", "last"):
                shell.stdin.write(block + "\necho ---done\n")
                shell.stdin.flush()
                for line in iter(shell.stdout.readline, "---done\n"):
                    self.assertNotEqual(line, "", f"the shell ended in:\n{block}\n{''.join(shown)}")
                    shown.append(line)
        text = "".join(shown)
        for pattern in (r"PartitionCount: 3", r'"transaction_id":', r"sluice_source_records_total\{", r'"state":\s*"(running|catching_up)"',
                        r"transactions/type=\w+/part-", r"batch", r'"pipeline":"lab"'):
            self.assertRegex(text, pattern)


if __name__ == "__main__":
    unittest.main()
