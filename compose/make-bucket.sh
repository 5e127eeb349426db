#!/bin/sh
# make-bucket.sh ENDPOINT BUCKET: waits for an S3 store and makes a bucket; well also if it is there already.
# Keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. Needs curl 7.88.
set -eu

# Of an empty body: not every store takes a request without it, and not every curl adds it.
hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

echo "making bucket $2 at $1"
for _ in $(seq 60); do
    # Keys on standard input, because arguments are seen by all processes.
    answer=$(printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
        curl -sS -K - -w '\n%{http_code}' --max-time 10 -X PUT --aws-sigv4 aws:amz:us-east-1:s3 -H "x-amz-content-sha256: $hash" \
            "$1/$2" 2>&1 || true)
    case $answer in
    *200 | *409) # 409: it is there already
        echo "bucket $2 is there"
        exit 0
        ;;
    esac
    sleep 1
done
echo "no bucket: $answer" >&2
exit 1
