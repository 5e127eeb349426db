"""The Debian package: built, installed beside the system (dpkg judges its dependencies by the real system's packages), used, removed."""

import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from harness import BUILD, ROOT, Case
from test_logs import Manager


def run(*command, **options):
    return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, **options)


class Package(Case):
    def setUp(self):
        super().setUp()
        built = run(ROOT / "scripts" / "package", self.directory / "out")  # from nothing: warnings differ in a release
        self.assertEqual(built.returncode, 0, built.stderr)
        self.deb = pathlib.Path(built.stdout.strip())
        self.root, self.admin = self.directory / "root", self.directory / "dpkg"
        for directory in (self.root, self.admin / "info", self.admin / "updates", self.admin / "triggers"):
            directory.mkdir(parents=True)
        shutil.copy("/var/lib/dpkg/status", self.admin / "status")
        for link in ("lib", "bin"):  # as on a merged system
            (self.root / "usr" / link).mkdir(parents=True)
            (self.root / link).symlink_to(f"usr/{link}")

    def dpkg(self, *arguments):
        return run("dpkg", f"--admindir={self.admin}", f"--instdir={self.root}", "--force-script-chrootless",
                   *([] if os.getuid() == 0 else ["--force-not-root"]), *arguments)

    def files(self):
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())

    def test_installs_works_and_goes(self):
        installed = self.dpkg("--install", self.deb)
        self.assertEqual(installed.returncode, 0, installed.stdout + installed.stderr)
        self.check_files()
        self.check_control()
        self.check_binary()
        self.check_man_page()
        removed = self.dpkg("--purge", "sluice")
        self.assertEqual(removed.returncode, 0, removed.stdout + removed.stderr)
        self.assertEqual(self.files(), [], "purged")

    def check_files(self):
        files = self.files()
        for file in ("usr/bin/sluice", "usr/lib/systemd/system/sluice@.service", "usr/share/man/man1/sluice.1.gz",
                     "usr/share/bash-completion/completions/sluice", "usr/share/zsh/vendor-completions/_sluice",
                     "usr/share/fish/vendor_completions.d/sluice.fish", "usr/share/doc/sluice/copyright",
                     "usr/share/doc/sluice/examples/transactions.json", "usr/share/doc/sluice/SECURITY.md"):
            self.assertIn(file, files)
        self.assertTrue((self.root / "etc" / "sluice").is_dir())
        self.check_links("usr/share/doc/sluice")
        unit = (self.root / "usr/lib/systemd/system/sluice@.service").read_text()
        for path in re.findall(r"^Exec\w+=(/\S+)", unit, re.M):
            self.assertIn(path.lstrip("/"), files)
        self.assertEqual(run("bash", "-n", self.root / "usr/share/bash-completion/completions/sluice").returncode, 0)

    def check_links(self, folder):
        """Between documents; those to source files lead nowhere in a package."""
        for document in (self.root / folder).rglob("*.md"):
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
                if not re.match(r"(\.\./)*(src|tests|scripts|subprojects|LICENSE)", link):
                    self.assertTrue((document.parent / link).exists(), f"{document.name}: {link}")

    def check_control(self):
        """Every library the binary is linked with belongs to a package that is asked for."""
        depends = run("dpkg-deb", "--field", self.deb, "Depends").stdout
        names = set(re.findall(r"(?:^|, )([a-z0-9.+-]+)", depends))
        needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", self.root / "usr/bin/sluice").stdout)
        self.assertGreater(len(needed), 8)
        folder = run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").stdout.strip()
        found = run("dpkg", "-S", *(f"*/{folder}/{library}" for library in needed)).stdout
        for library in needed:
            self.assertIn(re.search(rf"^([^:]+)[^/]*/\S*/{re.escape(library)}$", found, re.M)[1], names, library)
        broken = self.directory / "broken"
        shutil.copytree(self.admin, broken)
        status = (broken / "status").read_text()
        (broken / "status").write_text(re.sub(r"Package: librdkafka1\nStatus: install ok installed", "Package: librdkafka1\nStatus: purge ok not-installed", status))
        refused = run("dpkg", f"--admindir={broken}", f"--instdir={self.root}", "--force-script-chrootless", "--install", self.deb)
        self.assertNotEqual(refused.returncode, 0, "without librdkafka it is not configured")
        self.assertIn("librdkafka1", refused.stderr)

    def check_binary(self):
        sluice = self.root / "usr" / "bin" / "sluice"
        self.assertEqual(run(sluice, "--version").stdout, run(BUILD / "sluice", "--version").stdout)
        for example in (self.root / "usr/share/doc/sluice/examples").glob("*.json"):
            checked = run(sluice, "validate", example)
            self.assertEqual(checked.returncode, 0, checked.stderr)
        manager = Manager(self.directory / "notify")
        self.addCleanup(manager.socket.close)
        demo = run(sluice, "demo", "--duration", "2s", "--rate", "50", "--http", "127.0.0.1:0", env={**os.environ, **manager.environment})
        self.assertEqual(demo.returncode, 0, demo.stderr)
        self.assertIn("Batch: 1\n", demo.stdout)
        self.assertTrue(all(json.loads(line) for line in demo.stderr.splitlines()))
        self.assertTrue(manager.has("READY=1") and manager.has("STOPPING=1"))

    def check_man_page(self):
        page = self.directory / "sluice.1"
        page.write_bytes(gzip.decompress((self.root / "usr/share/man/man1/sluice.1.gz").read_bytes()))
        shown = run("man", "--warnings", "-l", page, env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn("--available-now", shown.stdout)


if __name__ == "__main__":
    unittest.main()
