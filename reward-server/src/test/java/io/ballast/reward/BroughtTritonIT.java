package io.ballast.reward;

import io.ballast.testing.RealTriton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** {@link BroughtTritonContract} on a real Triton, in a repository that knows nothing of us. */
class BroughtTritonIT extends BroughtTritonContract {
  @TempDir private Path repository = Path.of(".");
  private RealTriton triton;

  @BeforeEach
  void start() throws IOException {
    write(
        "letters",
        """
        input [ { name: "TEXT" data_type: TYPE_STRING dims: [ 1 ] } ]
        output [ { name: "score" data_type: TYPE_FP32 dims: [ 1 ] } ]
        """,
        """
        texts = pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy()
                    answer = pb_utils.Tensor("score", np.array([[len(t[0]) / 2] for t in texts], dtype=np.float32))
        """);
    write(
        "sums",
        """
        input [ { name: "input_ids" data_type: TYPE_INT64 dims: [ -1 ] },
                { name: "attention_mask" data_type: TYPE_INT64 dims: [ -1 ] } ]
        output [ { name: "logits" data_type: TYPE_FP32 dims: [ 2 ] } ]
        """,
        """
        ids = pb_utils.get_input_tensor_by_name(request, "input_ids").as_numpy()
                    mask = pb_utils.get_input_tensor_by_name(request, "attention_mask").as_numpy()
                    answer = pb_utils.Tensor("logits", np.stack([mask.sum(1), (ids * mask).sum(1) / 100], 1).astype(np.float32))
        """);
    triton = RealTriton.start(repository, "letters", "sums");
  }

  private void write(String name, String tensors, String body) throws IOException {
    Path version = Files.createDirectories(repository.resolve(name).resolve("1"));
    Files.writeString(
        repository.resolve(name).resolve("config.pbtxt"),
        """
        name: "%s"
        backend: "python"
        max_batch_size: 8
        dynamic_batching { max_queue_delay_microseconds: 1000 }
        instance_group [ { kind: KIND_CPU count: 1 } ]
        %s\
        """
            .formatted(name, tensors));
    Files.writeString(
        version.resolve("model.py"),
        """
        import numpy as np
        import triton_python_backend_utils as pb_utils


        class TritonPythonModel:
            def execute(self, requests):
                responses = []
                for request in requests:
                    %s
                    responses.append(pb_utils.InferenceResponse([answer]))
                return responses
        """
            .formatted(body.strip()));
  }

  @AfterEach
  void end() {
    triton.close();
  }

  @Override
  String address() {
    return triton.address();
  }

  @Override
  void kill() {
    triton.kill();
  }

  @Override
  void restart() {
    triton.restart();
  }
}
