"""What a client of Triton, the real tritonclient, finds in a mesh. Usage: client_test.py HOST:PORT"""

import json
import queue
import sys
import unittest

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

TARGET = "127.0.0.1:9100"
PATIENCE_SECONDS = 60

POLICY = "java-tiny"
REWARD = "java-reward"
COST = "java-cost"
GATES = ("java-gate-context", "java-gate-suggestion")
PROMPT = "int size = list."
COMPLETIONS = ["size();", "clear(); // all of it"]


def texts(name, rows):
    """A tensor of BYTES whose shape is that of the list."""
    array = np.array([[row.encode() for row in line] if isinstance(line, list) else line.encode() for line in rows], dtype=np.object_)
    tensor = triton.InferInput(name, list(array.shape), "BYTES")
    tensor.set_data_from_numpy(array)
    return tensor


def value(name, datatype, array):
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array)
    return tensor


def pairs(completions=None, prompt=PROMPT):
    completions = COMPLETIONS if completions is None else completions
    return [texts("prompt", [[prompt]] * len(completions)), texts("completion", [[c] for c in completions])]


def outputs(*names):
    return [triton.InferRequestedOutput(name) for name in names]


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.client = triton.InferenceServerClient(TARGET)
        self.addCleanup(self.client.close)

    def assert_fails(self, status, words, call):
        with self.assertRaises(InferenceServerException) as caught:
            call()
        self.assertIn(words, caught.exception.message())
        self.assertEqual(status, caught.exception.status())


class Server(ClientTest):
    def test_it_lives_is_ready_and_says_what_it_is(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        metadata = self.client.get_server_metadata()
        self.assertEqual("ballast", metadata.name)
        self.assertIn("statistics", metadata.extensions)

    def test_every_model_is_in_the_index(self):
        index = self.client.get_model_repository_index()
        ready = {(model.name, model.version) for model in index.models if model.state == "READY"}
        self.assertLessEqual({(POLICY, "1"), (REWARD, "1"), (COST, "1"), (COST, "2"), (GATES[0], "1"), (GATES[1], "1")}, ready)

    def test_what_it_does_not_offer_says_so(self):
        self.assert_fails("StatusCode.UNIMPLEMENTED", "", lambda: self.client.unload_model(REWARD))
        self.assert_fails("StatusCode.UNIMPLEMENTED", "", lambda: self.client.get_system_shared_memory_status())


class Models(ClientTest):
    def test_readiness(self):
        self.assertTrue(self.client.is_model_ready(POLICY))
        self.assertTrue(self.client.is_model_ready(REWARD, "1"))
        self.assertTrue(self.client.is_model_ready(COST, "2"))
        self.assertFalse(self.client.is_model_ready(REWARD, "77"))
        self.assertFalse(self.client.is_model_ready("nope"))

    def test_metadata_and_configuration_agree(self):
        for name, decoupled in ((POLICY, True), (REWARD, False), (COST, False), (GATES[0], False), (GATES[1], False)):
            metadata = self.client.get_model_metadata(name)
            config = self.client.get_model_config(name).config
            self.assertEqual(name, config.name)
            self.assertEqual(decoupled, config.model_transaction_policy.decoupled)
            batch = [] if config.max_batch_size == 0 else [-1]
            for kind in ("input", "output"):
                said = {t.name: (t.datatype, list(t.shape)) for t in getattr(metadata, kind + "s")}
                configured = {t.name: (datatype(t.data_type), batch + list(t.dims)) for t in getattr(config, kind)}
                self.assertEqual(configured, said)
        self.assertIn("1", self.client.get_model_metadata(COST).versions)

    def test_json_of_metadata_and_configuration(self):
        config = self.client.get_model_config(POLICY, as_json=True)["config"]
        self.assertTrue(config["model_transaction_policy"]["decoupled"])
        optional = {tensor["name"] for tensor in config["input"] if tensor.get("optional")}
        self.assertEqual({"stream", "sampling_parameters", "max_tokens", "exclude_input_in_output", "return_finish_reason", "return_logprobs"}, optional)

    def test_statistics_count(self):
        def counts():
            stats = self.client.get_inference_statistics(REWARD, "1").model_stats[0]
            return stats.inference_count, stats.inference_stats.success.count, stats.inference_stats.fail.count

        before = counts()
        self.client.infer(REWARD, pairs())
        with self.assertRaises(InferenceServerException):
            self.client.infer(REWARD, [texts("prompt", [["a"]])])
        self.assertEqual((before[0] + 2, before[1] + 1, before[2] + 1), counts())


def datatype(number):
    return {1: "BOOL", 8: "INT32", 11: "FP32", 13: "BYTES"}[number]


class Judges(ClientTest):
    def test_rewards(self):
        result = self.client.infer(REWARD, pairs(), request_id="r-1")
        reward, members, std = (result.as_numpy(name) for name in ("reward", "members", "std"))
        self.assertEqual(((2, 1), (2, 5), (2, 1)), (reward.shape, members.shape, std.shape))
        self.assertEqual(np.float32, reward.dtype)
        # worst case of the ensemble: the lowest member
        np.testing.assert_allclose(reward[:, 0], members.min(axis=1), rtol=1e-6)
        np.testing.assert_allclose(std[:, 0], members.std(axis=1), rtol=1e-4)
        self.assertEqual("r-1", result.get_response().id)
        self.assertEqual(("java-reward", "1"), (result.get_response().model_name, result.get_response().model_version))

    def test_a_batch_is_its_items(self):
        together = self.client.infer(REWARD, pairs()).as_numpy("reward")
        for i, completion in enumerate(COMPLETIONS):
            alone = self.client.infer(REWARD, pairs([completion])).as_numpy("reward")
            np.testing.assert_allclose(together[i], alone[0], rtol=0, atol=1e-4)

    def test_costs(self):
        result = self.client.infer(COST, pairs(), model_version="1")
        cost, harm, heads = (result.as_numpy(name) for name in ("cost", "harm_probability", "heads"))
        self.assertEqual((2, 3), heads.shape)
        np.testing.assert_allclose(cost[:, 0], heads.max(axis=1), rtol=1e-6)
        self.assertTrue(((harm > 0) & (harm < 1)).all())
        for verdict, probability in zip(result.as_numpy("verdict")[:, 0], harm[:, 0]):
            self.assertEqual(b"BLOCK" if probability >= 0.5 else b"ALLOW", verdict)

    def test_gates(self):
        alone = self.client.infer(GATES[0], [texts("prompt", [PROMPT])])
        shown = self.client.infer(
            GATES[1], [texts("prompt", [PROMPT]), texts("suggestion", ["size();"]), value("log_probs", "FP32", np.array([-0.5, -0.1], np.float32))]
        )
        for gate, result in zip(GATES, (alone, shown)):
            names = self.client.get_model_config(gate).config.parameters["features"].string_value.split(",")
            self.assertEqual((len(names),), result.as_numpy("features").shape)
            self.assertEqual(len(PROMPT), result.as_numpy("features")[names.index("line_characters")])
            self.assertTrue(0 <= result.as_numpy("accept_probability")[0] <= 1)

    def test_outputs_on_demand_compression_and_async(self):
        answers = queue.Queue()
        self.client.async_infer(
            REWARD,
            pairs(),
            lambda result, error: answers.put((result, error)),
            outputs=outputs("reward"),
            compression_algorithm="gzip",
            priority=3,
        )
        result, error = answers.get(timeout=PATIENCE_SECONDS)
        self.assertIsNone(error)
        self.assertIsNone(result.as_numpy("members"))
        np.testing.assert_allclose(result.as_numpy("reward"), self.client.infer(REWARD, pairs()).as_numpy("reward"), rtol=0, atol=1e-4)


class BadRequests(ClientTest):
    def refused(self, words, inputs, model=REWARD, **options):
        self.assert_fails("StatusCode.INVALID_ARGUMENT", words, lambda: self.client.infer(model, inputs, **options))

    def test_shapes_and_types(self):
        prompt, completion = pairs()
        self.refused("unexpected shape for input 'prompt' for model 'java-reward'. Expected [-1,1], got [2]", [texts("prompt", ["a", "b"]), completion])
        self.refused("batch size does not match other inputs for 'java-reward'", [prompt, texts("completion", [["a"]])])
        self.refused(
            "inference input 'prompt' data-type is 'FP32', but model 'java-reward' expects 'BYTES'",
            [value("prompt", "FP32", np.zeros((2, 1), np.float32)), completion],
        )
        self.refused("missing required input(s) ['completion']", [prompt])
        self.refused("unexpected inference input 'extra' for model 'java-reward'", [prompt, completion, texts("extra", [["a"], ["b"]])])
        self.refused("unexpected inference output 'logits' for model 'java-reward'", pairs(), outputs=outputs("logits"))

    def test_bytes_that_are_no_text(self):
        prompt, completion = pairs(["a"])
        prompt.set_data_from_numpy(np.array([[b"\xff\xfe"]], dtype=np.object_))
        self.refused("element 0 of inference input 'prompt' for model 'java-reward' is not valid UTF-8", [prompt, completion])

    def test_unknown_models(self):
        def unknown(words, model, version=""):
            self.assert_fails("StatusCode.NOT_FOUND", words, lambda: self.client.infer(model, pairs(), model_version=version))

        unknown("Request for unknown model: 'nope' is not found", "nope")
        unknown("Request for unknown model: 'java-reward' version 77 is not found", REWARD, "77")

    def test_a_number_is_never_made_up(self):
        # the second item has no token and so no score: the whole request fails, and says which item
        self.refused("batch[1].completion", pairs(["size();", ""]))
        self.refused("tokens, limit 255; 1 of 2 items failed", pairs(["size();", "x = 1; " * 300]))

    def test_a_policy_answers_on_streams_only(self):
        self.assert_fails(
            "StatusCode.UNIMPLEMENTED",
            "ModelInfer RPC doesn't support models with decoupled transaction policy",
            lambda: self.client.infer(POLICY, [texts("text_input", [PROMPT])]),
        )

    def test_deadlines(self):
        self.assert_fails(
            "StatusCode.DEADLINE_EXCEEDED", "", lambda: self.client.infer(REWARD, pairs(["x" * 800] * 256), client_timeout=0.002)
        )
        self.assert_fails("StatusCode.UNAVAILABLE", "Request timeout expired", lambda: self.client.infer(REWARD, pairs(["y" * 800] * 256), timeout=1))


class Policy(ClientTest):
    def stream(self, *requests):
        """The answers to requests on one stream, by their id, until each had its last."""
        answers = queue.Queue()
        self.client.start_stream(lambda result, error: answers.put((result, error)))
        came = {}
        try:
            for request in requests:
                self.client.async_stream_infer(**request)
            open_ids = {request["request_id"] for request in requests}
            while open_ids:
                result, error = answers.get(timeout=PATIENCE_SECONDS)
                if error is not None:
                    raise error
                response = result.get_response()
                came.setdefault(response.id, []).append(result)
                if response.parameters["triton_final_response"].bool_param:
                    open_ids.discard(response.id)
        finally:
            self.client.stop_stream()
        return came

    def request(self, request_id="s", prompt=PROMPT, stream=True, sampling=None, model=POLICY, version="", extra=()):
        sampling = {"temperature": 0, "max_tokens": 16} if sampling is None else sampling
        inputs = [
            texts("text_input", [prompt]),
            value("stream", "BOOL", np.array([stream])),
            texts("sampling_parameters", [json.dumps(sampling)]),
            *extra,
        ]
        return {"model_name": model, "model_version": version, "inputs": inputs, "request_id": request_id}

    @staticmethod
    def text(results):
        pieces = [result.as_numpy("text_output") for result in results]
        return b"".join(piece[0] for piece in pieces if piece is not None).decode()

    def test_a_stream_is_the_whole_answer_in_pieces(self):
        came = self.stream(self.request("whole", stream=False), self.request("pieces"))

        self.assertEqual(1, len(came["whole"]))  # marked as the last, with its text
        self.assertGreater(len(came["pieces"]), 3)
        completion = self.text(came["pieces"])
        self.assertNotEqual("", completion)
        self.assertEqual(PROMPT + completion, self.text(came["whole"]))

    def test_a_seed_gives_the_same_text(self):
        drawn = {"temperature": 1.0, "seed": 11, "max_tokens": 12}
        came = self.stream(self.request("a", sampling=drawn), self.request("b", sampling=drawn))
        self.assertEqual(self.text(came["a"]), self.text(came["b"]))

    def test_why_it_ended(self):
        reason = [value("return_finish_reason", "BOOL", np.array([True]))]
        came = self.stream(
            self.request("length", stream=False, sampling={"max_tokens": 2}, extra=reason),
            self.request("stop", stream=False, sampling={"temperature": 0, "max_tokens": 64, "stop": ["("]}, extra=reason),
        )
        self.assertEqual(b"length", came["length"][0].as_numpy("finish_reason")[0])
        self.assertIsNone(came["length"][0].as_numpy("logprobs"))
        self.assertEqual(b"stop", came["stop"][0].as_numpy("finish_reason")[0])

    def test_log_probabilities(self):
        wanted = [value("return_logprobs", "BOOL", np.array([True]))]
        sampling = {"temperature": 0, "max_tokens": 6}
        came = self.stream(self.request("pieces", sampling=sampling, extra=wanted), self.request("whole", stream=False, sampling=sampling, extra=wanted))

        def steps(results):
            return [s for result in results if result.as_numpy("logprobs") is not None for s in json.loads(result.as_numpy("logprobs")[0])]

        whole = steps(came["whole"])
        self.assertEqual(6, len(whole))
        self.assertEqual([list(s) for s in whole], [list(s) for s in steps(came["pieces"])])
        self.assertTrue(all(token["logprob"] <= 0 for s in whole for token in s.values()))

    def test_no_empty_answer_follows_the_last(self):
        answers = queue.Queue()
        self.client.start_stream(lambda result, error: answers.put((result, error)))
        self.client.async_stream_infer(
            POLICY, self.request(stream=False)["inputs"], request_id="plain", enable_empty_final_response=True
        )
        result, error = answers.get(timeout=PATIENCE_SECONDS)
        self.client.stop_stream()
        self.assertIsNone(error)
        self.assertTrue(self.text([result]).startswith(PROMPT))
        self.assertTrue(result.get_response().parameters["triton_final_response"].bool_param)
        self.assertTrue(answers.empty())

    def test_an_error_does_not_end_the_stream(self):
        answers = queue.Queue()
        self.client.start_stream(lambda result, error: answers.put((result, error)))
        for sampling in ({"best_of": 3}, {"temperature": 0, "max_tokens": 4}):
            request = self.request(stream=False, sampling=sampling)
            self.client.async_stream_infer(**request)
        came = [answers.get(timeout=PATIENCE_SECONDS) for _ in range(2)]
        self.client.stop_stream()
        errors = [error for _, error in came if error is not None]
        self.assertEqual(1, len(errors))
        self.assertIn("sampling_parameters.best_of: unknown here", errors[0].message())
        self.assertEqual(1, len([result for result, error in came if error is None]))

    def test_a_timeout_of_its_own(self):
        answers = queue.Queue()
        self.client.start_stream(lambda result, error: answers.put((result, error)))
        request = self.request(stream=False, sampling={"max_tokens": 200})
        self.client.async_stream_infer(timeout=1, **request)
        _, error = answers.get(timeout=PATIENCE_SECONDS)
        self.client.stop_stream()
        self.assertIn("Request timeout expired", error.message())

    def test_cancelling_a_stream(self):
        answers = queue.Queue()
        self.client.start_stream(lambda result, error: answers.put((result, error)))
        self.client.async_stream_infer(**self.request(sampling={"max_tokens": 200}))
        answers.get(timeout=PATIENCE_SECONDS)
        self.client.stop_stream(cancel_requests=True)
        self.assertTrue(self.client.is_model_ready(POLICY))

    def test_judges_answer_on_streams_too(self):
        answers = queue.Queue()
        self.client.start_stream(lambda result, error: answers.put((result, error)))
        self.client.async_stream_infer(REWARD, pairs(), request_id="judge")
        result, error = answers.get(timeout=PATIENCE_SECONDS)
        self.client.stop_stream()
        self.assertIsNone(error)
        self.assertEqual((2, 1), result.as_numpy("reward").shape)
        self.assertTrue(result.get_response().parameters["triton_final_response"].bool_param)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TARGET = sys.argv.pop(1)
    unittest.main(verbosity=2)
