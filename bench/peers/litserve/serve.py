"""A LitServe server with batching: `serve.py PORT`."""

import os
import sys
from typing import Any

import joblib
import litserve as ls
import pandas as pd


class Churn(ls.LitAPI):
    """The steps that LitServe calls, in this order."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe names it
        """Load the pipeline once per worker."""
        self.model = joblib.load(os.environ["CHURN_PIPELINE"])

    def decode_request(self, request: dict[str, Any]) -> dict[str, Any]:
        """One row."""
        return request

    def batch(self, inputs: list[dict[str, Any]]) -> pd.DataFrame:
        """The rows that wait together."""
        return pd.DataFrame(inputs)

    def predict(self, x: pd.DataFrame) -> Any:
        """Probabilities [N]."""
        return self.model.predict_proba(x)[:, 1]

    def unbatch(self, output: Any) -> list[float]:
        """One probability for each request."""
        return output.tolist()

    def encode_response(self, output: float) -> dict[str, float]:
        """The answer."""
        return {"churn_probability": output}


if __name__ == "__main__":
    api = Churn(max_batch_size=16)  # the default timeout, 0, takes what waits
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
