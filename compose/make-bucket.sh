#!/bin/sh
# make-bucket.sh ENDPOINT BUCKET: waits for an S3 store and makes a bucket; well also if it is there already.
# Keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. Needs curl 7.75.
set -eu

for _ in $(seq 60); do
    # On standard input, because arguments are seen by all processes.
    code=$(printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
        curl -sS -K - -o /dev/null -w '%{http_code}' --max-time 10 -X PUT --aws-sigv4 aws:amz:us-east-1:s3 "$1/$2" || true)
    case $code in
    200 | 409)
        echo "bucket $2 is there"
        exit 0
        ;;
    esac
    echo "waiting for $1 (HTTP $code)"
    sleep 1
done
exit 1
