"""The echo server of LitServe, which has no queue and stores nothing."""

import sys
from typing import Any

import litserve


class Echo(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        """Load nothing."""

    def predict(self, x: Any, **_: Any) -> Any:
        return x


if __name__ == "__main__":
    server = litserve.LitServer(Echo(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="error",
    )
