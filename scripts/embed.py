#!/usr/bin/env python3
"""Turns page.html into a C file: the bytes, their number, and a Content-Security-Policy that allows
exactly the page's own <script> and <style> elements, by hash.

usage: embed.py page.html page.c"""
import base64
import hashlib
import re
import sys


def hashes(html, tag):
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
    digests = (hashlib.sha256(text.encode()).digest() for text in found)
    return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests) or "'none'"


def main(source, target):
    data = open(source, "rb").read()
    html = data.decode("utf-8")
    if "\0" in html or "\r" in html:
        sys.exit(f"{source}: holds a NUL or a carriage return")
    policy = "; ".join([
        "default-src 'none'", f"script-src {hashes(html, 'script')}",
        f"style-src {hashes(html, 'style')}", "connect-src 'self'", "img-src data:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    rows = (data[i:i + 20] for i in range(0, len(data), 20))
    with open(target, "w", encoding="ascii") as out:
        out.write('/* Made from page.html by scripts/embed.py. */\n#include "http/page.h"\n\n')
        out.write(f'const char http_page_policy[] = "{policy}";\n')
        out.write(f"const size_t http_page_size = {len(data)};\n")
        out.write("const char http_page[] = {\n")
        for row in rows:
            out.write(" ".join(f"{b if b < 128 else b - 256}," for b in row) + "\n")
        out.write("0};\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
