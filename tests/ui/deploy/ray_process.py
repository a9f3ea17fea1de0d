"""A Ray of its own on this machine with the application on it, until standard input closes.

python tests/ui/deploy/ray_process.py PORT
"""

from __future__ import annotations

import sys

import ray
from ray import serve


def main() -> None:
    # As many as its parts ask for, not as the machine has: they are numbers for the scheduler.
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(sys.argv[1])}, logging_config={"enable_access_log": False}
    )
    from ui.deploy.app import application

    serve.run(application, name="heartline", route_prefix="/")
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    sys.stdin.read()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
