#!/usr/bin/env python3
"""Turns the system's time zone files (package tzdata) into a C table for src/vec/time_zone.c.

usage: zones.py DIRECTORY target.c

A zone is its UTC offsets: the changes that are listed, and a rule for all time after them (RFC 8536). What the rule
says anyway is left out of the list. Zones of equal content share it. ROC is left out, as Java leaves it out.
"""
import pathlib
import re
import struct
import sys

SKIP = {"posix", "right"}
NO_ZONES = {"posixrules", "localtime", "Factory", "ROC"}


def read_zone(data):
    """(times, offsets behind them, the offset before, the footer) of a TZif file of version 2 or later."""
    header = struct.Struct(">4s1s15x6l")
    _, version, isut, isstd, leaps, times, types, chars = header.unpack_from(data)
    if version < b"2":
        sys.exit("a zone file of version 1: this table needs 64-bit times")
    at = header.size + times * 5 + types * 6 + chars + leaps * 8 + isstd + isut
    _, _, isut, isstd, leaps, times, types, chars = header.unpack_from(data, at)
    at += header.size
    moments = struct.unpack_from(f">{times}q", data, at)
    kinds = struct.unpack_from(f">{times}B", data, at + times * 8)
    at += times * 9
    offsets = [struct.unpack_from(">l", data, at + i * 6)[0] for i in range(types)]
    at += types * 6 + chars + leaps * 12 + isstd + isut
    footer = data[at:].strip(b"\n").decode("ascii")
    return moments, [offsets[kind] for kind in kinds], offsets[0] if types else 0, footer


NAME = r"(?:<[^>]+>|[A-Za-z]+)"
TIME = r"([+-]?\d+)(?::(\d+))?(?::(\d+))?"


def seconds(sign_hours, minutes, second):
    value = abs(int(sign_hours)) * 3600 + int(minutes or 0) * 60 + int(second or 0)
    return -value if sign_hours.startswith("-") else value


def read_footer(footer):
    """(standard offset, daylight offset, start, end); a change is (month, week, weekday, second of the day)."""
    match = re.match(rf"{NAME}{TIME}(?:{NAME}(?:{TIME})?,(.+),(.+))?$", footer)
    if not match:
        sys.exit(f"cannot read the zone rule {footer!r}")
    standard = -seconds(*match.group(1, 2, 3))
    if not match.group(7):
        return standard, standard, (0, 0, 0, 0), (0, 0, 0, 0)
    daylight = -seconds(*match.group(4, 5, 6)) if match.group(4) else standard + 3600
    changes = []
    for text in match.group(7, 8):
        change = re.match(rf"M(\d+)\.(\d)\.(\d)(?:/{TIME})?$", text)
        if not change:
            sys.exit(f"cannot read the change {text!r} of the zone rule {footer!r}")
        at = seconds(*change.group(4, 5, 6)) if change.group(4) else 7200
        changes.append((*map(int, change.group(1, 2, 3)), at))
    return standard, daylight, *changes


def days_from_civil(year, month, day):
    import datetime
    return datetime.date(year, month, day).toordinal() - 719163


def change_at(year, change):
    """The change in that year, in seconds since 1970 by the local clock."""
    month, week, weekday, at = change
    first = days_from_civil(year, month, 1)
    after = days_from_civil(year + month // 12, month % 12 + 1, 1)
    day = first + (weekday - (first + 4) % 7) % 7 + (week - 1) * 7
    return (day if day < after else day - 7) * 86400 + at


def trim(moments, offsets, rule):
    """How many changes are to be listed: the rule says those after them."""
    standard, daylight, start, end = rule
    count = len(moments)
    while count > 1 and start != end:
        moment, after, before = moments[count - 1], offsets[count - 1], offsets[count - 2]
        year = 1970 + int((moment + standard) // 31556952)
        changes = {}
        for y in range(year - 1, year + 2):
            changes[change_at(y, start) - standard] = standard, daylight
            changes[change_at(y, end) - daylight] = daylight, standard
        earlier = max(at for at in changes if at < moment)
        if changes.get(moment) != (before, after) or moments[count - 2] < earlier:
            break
        count -= 1
    return count


def main(directory, target):
    root = pathlib.Path(directory)
    names, zones, moments, offsets = {}, {}, [], []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        name = str(path.relative_to(root))
        data = path.read_bytes()
        if name.split("/")[0] in SKIP or name in NO_ZONES or data[:4] != b"TZif":
            continue
        at, after, before, footer = read_zone(data)
        rule = read_footer(footer)
        keep = trim(at, after, rule)
        key = (at[:keep], tuple(after[:keep]), before, rule)
        if key not in zones:
            zones[key] = len(zones), len(moments)
            moments += key[0]
            offsets += key[1]
        names[name] = zones[key][0]
    if len(names) < 300:
        sys.exit(f"{directory}: {len(names)} time zones, which is too few: install tzdata")
    with open(target, "w", encoding="ascii") as out:
        out.write('/* Made from the time zone files of the system by scripts/zones.py. */\n#include "vec/time_zone_table.h"\n\n')
        out.write(f"const int64_t time_zone_moments[] = {{{', '.join(f'{m}LL' for m in moments)}}};\n")
        out.write(f"const int32_t time_zone_offsets[] = {{{', '.join(map(str, offsets))}}};\n")
        out.write("const struct time_zone_rules time_zone_rules[] = {\n")
        for (at, _, before, rule), (_, first) in zones.items():
            start, end = (f"{{{c[0]}, {c[1]}, {c[2]}, {c[3]}}}" for c in rule[2:])
            out.write(f"    {{{first}, {len(at)}, {before}, {rule[0]}, {rule[1]}, {start}, {end}}},\n")
        out.write("};\nconst struct time_zone_name time_zone_names[] = {\n")
        for name in sorted(names):
            out.write(f'    {{"{name}", {names[name]}}},\n')
        out.write(f"}};\nconst uint32_t time_zone_name_count = {len(names)};\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
