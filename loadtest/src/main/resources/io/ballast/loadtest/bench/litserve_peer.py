"""Serves a classifier with LitServe, in batches."""

from classifier_scorer import BATCH, WAIT_SECONDS, Scorer, run

try:
    import litserve
    from litserve import LitAPI
except ImportError:
    LitAPI = object


class Api(LitAPI):
    def setup(self, device):
        self.scorer = Scorer(self.folder, self.threads)

    def decode_request(self, request):
        return request["text"]

    def predict(self, texts):
        return self.scorer.scores(texts)

    def encode_response(self, output):
        return {"score": output}


def serve(folder, port, threads):
    api = Api(max_batch_size=BATCH, batch_timeout=WAIT_SECONDS)
    api.folder, api.threads = folder, threads
    server = litserve.LitServer(api, accelerator="cpu")
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    run("litserve", serve)
