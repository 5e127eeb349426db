"""The Python that judges files: a virtual environment with pinned readers, made once and shared by all checkouts.

python() gives its interpreter. `venv.py` alone prints it, for shells.
"""

import fcntl
import hashlib
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from kafka import cache_directory  # noqa: E402
from process import Failure  # noqa: E402

PACKAGES = ["pyarrow==17.0.0", "duckdb==1.2.2", "pyspark==3.5.3", "boto3==1.35.99"]


def python():
    """The path of an interpreter that can import PACKAGES; the first call fetches them (half a gigabyte, minutes)."""
    # Other pins are another directory, so that an older checkout keeps what it was tested with.
    name = "lake-venv-" + hashlib.sha256("\n".join(PACKAGES).encode()).hexdigest()[:8]
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    directory = cache / name
    ready = directory / "ready"
    with open(cache / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            print("venv: installing the readers of the lake, once (some minutes)", file=sys.stderr, flush=True)
            for command in (["/usr/bin/python3", "-I", "-m", "venv", "--clear", directory],
                            [directory / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]):
                run = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if run.returncode != 0:
                    raise Failure(f"{command[0]} failed while installing {', '.join(PACKAGES)}:\n{run.stdout}{run.stderr}")
            ready.touch()
    return str(directory / "bin" / "python")


if __name__ == "__main__":
    print(python())
