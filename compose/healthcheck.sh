#!/bin/bash
# healthcheck.sh PORT: exit 0 if GET /healthz on this host answers 200. Needs no curl: bash opens the connection.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 2 _ code _ <&3
[ "$code" = 200 ]
