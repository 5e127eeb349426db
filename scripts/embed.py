#!/usr/bin/env python3
"""Turns page.html into a C file: the bytes, plain and as gzip, an ETag, and a Content-Security-Policy
that allows exactly the page's own <script> and <style> elements, by hash.

usage: embed.py page.html page.c"""
import base64
import gzip
import hashlib
import re
import sys


def hashes(html, tag):
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
    digests = (hashlib.sha256(text.encode()).digest() for text in found)
    return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests) or "'none'"


def write_bytes(out, name, data):
    out.write(f"const size_t {name}_size = {len(data)};\nconst char {name}[] = {{\n")
    for i in range(0, len(data), 20):
        out.write(" ".join(f"{b if b < 128 else b - 256}," for b in data[i:i + 20]) + "\n")
    out.write("0};\n")


def main(source, target):
    data = open(source, "rb").read()
    html = data.decode("utf-8")
    if "\0" in html or "\r" in html:
        sys.exit(f"{source}: holds a NUL or a carriage return")
    policy = "; ".join([
        "default-src 'none'", f"script-src {hashes(html, 'script')}",
        f"style-src {hashes(html, 'style')}", "connect-src 'self'", "img-src data:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    with open(target, "w", encoding="ascii") as out:
        out.write('/* Made from page.html by scripts/embed.py. */\n#include "http/page.h"\n\n')
        out.write(f'const char http_page_policy[] = "{policy}";\n')
        out.write(f'const char http_page_etag[] = "W/\\"{hashlib.sha256(data).hexdigest()[:20]}\\"";\n')
        write_bytes(out, "http_page", data)
        write_bytes(out, "http_page_gzip", gzip.compress(data, 9, mtime=0))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
