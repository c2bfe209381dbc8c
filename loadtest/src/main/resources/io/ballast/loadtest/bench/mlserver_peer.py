"""Serves a classifier with MLServer as its users do: a folder of settings, a process for the model, adaptive batching on."""

import json
import os
import sys

from classifier_scorer import BATCH, WAIT_SECONDS, Scorer, run

try:
    import numpy
    from mlserver import MLModel
    from mlserver.codecs import NumpyCodec, StringCodec
    from mlserver.types import InferenceResponse
except ImportError:
    MLModel = object


class Classifier(MLModel):
    async def load(self):
        parameters = self.settings.parameters
        self.scorer = Scorer(parameters.uri, parameters.extra["threads"])
        return True

    async def predict(self, payload):
        scores = self.scorer.scores(StringCodec.decode_input(payload.inputs[0]))
        column = numpy.array(scores, numpy.float32).reshape(-1, 1)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("score", column)])


def write(home, name, settings):
    with open(os.path.join(home, name), "w") as file:
        json.dump(settings, file)


def serve(folder, port, threads):
    here = os.path.dirname(os.path.abspath(__file__))
    home = os.path.join(here, "classifier")
    os.makedirs(home, exist_ok=True)
    write(home, "settings.json", {"host": "127.0.0.1", "grpc_port": port, "http_port": port + 1, "metrics_endpoint": None})
    write(
        home,
        "model-settings.json",
        {
            "name": "classifier",
            "implementation": "mlserver_peer.Classifier",
            "max_batch_size": BATCH,
            "max_batch_time": WAIT_SECONDS,
            "parameters": {"uri": folder, "extra": {"threads": threads}},
        },
    )
    os.environ["PYTHONPATH"] = here
    os.execv(sys.executable, [sys.executable, "-c", "from mlserver.cli import main; main()", "start", home])


if __name__ == "__main__":
    run("mlserver", serve)
