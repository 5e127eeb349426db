"""docs/cli.md: every command and option, from what `sluice help` prints, which comes from the tables that parse the options.

cli_docs.py SLUICE > docs/cli.md writes it; tests/system/test_docs.py compares.
"""

import re
import subprocess
import sys

HEAD = """# Commands and options

Written by `scripts/lib/cli_docs.py build/sluice > docs/cli.md`, and tested against the program. `sluice help COMMAND` shows the same.
Options are written `--name value` or `--name=value`; `--` ends them. Numbers may end in `k`, `m` or `g` (thousands, millions, ...), sizes in `k`, `m` or `g` of
1024 each, durations in `ms`, `s`, `m` or `h`.
"""


def printed(sluice, *arguments):
    return subprocess.run([sluice, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout


def commands(sluice):
    """[(words, summary)] in the order of `sluice help`."""
    found = re.findall(r"^  sluice (\S+) .*?  +(\S.*)$", printed(sluice, "help"), re.M)
    return [name for name, _ in found if name != "help"]


def options(text):
    """[(option with its value, help)] of a help text."""
    block = re.search(r"^Options:\n(.*?)(?:\n\n|\Z)", text, re.M | re.S)[1]
    lines = []
    for line in block.splitlines():
        if line.startswith(" " * 30):  # the option before was too long for the column
            lines[-1] = (lines[-1][0], line.strip())
        else:
            name, _, text = line.strip().partition("  ")
            lines.append((name, text.strip()))
    return lines


def cell(text):
    return text.replace("|", "\\|")


def section(title, text):
    summary, usage = re.match(r".*?: (.*?)\n\nUsage: (.*?)\n", text, re.S).groups()
    epilogue = re.search(r"^Options:\n.*?\n\n(.*)\Z", text, re.M | re.S)
    summary = summary[0].upper() + summary[1:].rstrip(".") + "."
    lines = [f"\n## {title}\n", summary, f"\n```\n{usage}\n```\n", "| Option | |", "|---|---|"]
    lines += [f"| `{cell(name)}` | {cell(text)} |" for name, text in options(text)]
    if epilogue and epilogue[1].strip():
        lines += ["", "```", epilogue[1].strip("\n"), "```"]
    return "\n".join(lines)


def markdown(sluice):
    names = commands(sluice)
    parts = [section(f"sluice {name}", printed(sluice, name, "--help")) for name in names]
    parts.append(section("sluice help functions", printed(sluice, "help", "functions", "--help")))
    parts.append(section("sluice help --format", printed(sluice, "help", "--format", "man", "--help")))
    return HEAD + "\n".join(parts) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(markdown(sys.argv[1]))
