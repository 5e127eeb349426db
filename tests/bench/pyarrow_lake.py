"""pyarrow as a yardstick for scripts/bench: pyarrow_lake.py S3-SECTION BUCKET make-bucket | clear | rewrite PREFIX; prints JSON.

rewrite reads what a sink wrote below PREFIX and writes it as one file, with pyarrow's defaults (Snappy) and several threads.
"""

import json
import resource
import sys
import time

section, bucket, command, *rest = json.loads(sys.argv[1]), *sys.argv[2:]


def client():
    import boto3
    return boto3.client("s3", endpoint_url=section["endpoint"], aws_access_key_id=section["accessKeyId"],
                        aws_secret_access_key=section["secretAccessKey"], region_name="us-east-1")


def keys():
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [o["Key"] for page in pages for o in page.get("Contents", [])]


def rewrite(prefix):
    import pyarrow.dataset
    import pyarrow.fs
    import pyarrow.parquet
    scheme, host = section["endpoint"].split("://")
    files = pyarrow.fs.S3FileSystem(endpoint_override=host, scheme=scheme, region="us-east-1", access_key=section["accessKeyId"],
                                    secret_key=section["secretAccessKey"])
    dataset = pyarrow.dataset.dataset(f"{bucket}/{prefix}", filesystem=files, format="parquet")
    rows = dataset.to_table().combine_chunks()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    began, cpu = time.monotonic(), usage.ru_utime + usage.ru_stime
    pyarrow.parquet.write_table(rows, f"{bucket}/pyarrow/rows.parquet", filesystem=files)
    took, usage = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": took, "cpu": usage.ru_utime + usage.ru_stime - cpu, "peak": usage.ru_maxrss * 1024, "rows": len(rows),
            "sizes": {"sluice": sum(files.get_file_info(f).size for f in dataset.files), "files": len(dataset.files),
                      "pyarrow": files.get_file_info(f"{bucket}/pyarrow/rows.parquet").size}}


def main():
    if command == "make-bucket":
        return client().create_bucket(Bucket=bucket) and bucket
    if command == "clear":
        found = keys()
        for key in found:
            client().delete_object(Bucket=bucket, Key=key)
        return len(found)
    return rewrite(*rest)


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
