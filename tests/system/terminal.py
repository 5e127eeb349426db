"""A terminal for tests: a process on a pty of a given size, and what its screen shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Screen:
    """Understands what sluice writes: text, CR, LF, cursor home, erasing, the other screen, and colours (left out)."""

    def __init__(self, columns, rows):
        self.columns, self.rows, self.row, self.column = columns, rows, 0, 0
        self.lines = [""] * rows
        self.other = False
        self.cursor = True
        self.colours = 0
        self.rest = ""

    def resize(self, columns, rows):
        self.lines = [line[:columns] for line in (self.lines + [""] * rows)[:rows]]
        self.columns, self.rows = columns, rows

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                match = SEQUENCE.match(text, at)
                if not match:
                    if len(text) - at > 20:
                        raise AssertionError(f"an unknown sequence {text[at:at + 20]!r}")
                    self.rest = text[at:]
                    return
                self.control(*match.groups())
                at = match.end()
                continue
            self.put(text[at])
            at += 1

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            if self.row == self.rows:
                self.lines = self.lines[1:] + [""]
                self.row -= 1
        elif ord(character) < 32:
            raise AssertionError(f"a control character {character!r}")
        else:
            self.column = min(self.column, self.columns - 1)  # without wrapping the last column takes it
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
            self.column += 1

    def control(self, private, numbers, letter):
        if private:
            if numbers == "1049":
                self.other = letter == "h"
            elif numbers == "25":
                self.cursor = letter == "h"
        elif letter == "H":
            self.row = self.column = 0
        elif letter == "K":
            self.lines[self.row] = self.lines[self.row][:min(self.column, self.columns - 1)]
        elif letter == "J":
            self.lines = [""] * self.rows
        elif letter == "m":
            self.colours += numbers not in ("", "0")
        else:
            raise AssertionError(f"an unknown sequence {numbers}{letter}")

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)


class Terminal:
    """stdin, stdout and stderr of the process are the terminal, unless stdout is given."""

    def __init__(self, command, columns=80, rows=24, env=None, stdout=None):
        self.master, self.slave = pty.openpty()
        self.screen = Screen(columns, rows)
        self.set_size(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.raw = ""
        self.process = subprocess.Popen([str(c) for c in command], stdin=self.slave, stdout=stdout or self.slave, stderr=self.slave,
                                        start_new_session=True, env={**os.environ, "TERM": "xterm", **(env or {})})

    def set_size(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.screen.resize(columns, rows)
        self.set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds=0.1):
        """Takes what was written; true if there was something."""
        got = False
        while select.select([self.master], [], [], seconds)[0]:
            data = os.read(self.master, 65536).decode(errors="replace")
            self.raw += data
            self.screen.feed(data)
            got, seconds = True, 0
        return got

    def wait(self, condition, timeout=20, what="the screen"):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} within {timeout} s; the screen:\n{self.screen.text()}")
            if not self.read() and self.process.poll() is not None and not condition():
                raise AssertionError(f"exit {self.process.returncode} before {what}; the screen:\n{self.screen.text()}")

    def wait_text(self, pattern, timeout=20):
        self.wait(lambda: re.search(pattern, self.screen.text()), timeout, f"text like {pattern!r}")

    def type(self, keys):
        os.write(self.master, keys.encode())

    def wait_exit(self, timeout=20):
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running; the screen:\n{self.screen.text()}")
            self.read(0.05)
        self.read(0)
        return self.process.returncode

    def restored(self):
        """The terminal is as it was: its modes, its first screen, its cursor."""
        return termios.tcgetattr(self.slave) == self.before and not self.screen.other and self.screen.cursor

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
