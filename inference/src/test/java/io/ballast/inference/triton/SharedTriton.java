package io.ballast.inference.triton;

import io.ballast.testing.RealTriton;
import io.ballast.testing.TritonInstallation;
import java.util.List;
import java.util.stream.Stream;

/**
 * One real Triton for all contract tests that leave it as they found it. It ends with the JVM. Its
 * 2.51 may crash where a caller leaves while a model answers: it is then started again, so that the
 * tests that follow are not those that fail.
 */
final class SharedTriton {
  private static final List<String> MODELS =
      List.of(
          "identity",
          "faulty",
          "queued",
          "repeat",
          "versions",
          "double",
          "chain",
          "vllm",
          "sequence",
          "caller");
  private static final RealTriton SERVER =
      RealTriton.start(
          TritonInstallation.FILES.resolve("models"),
          Stream.concat(
                  MODELS.stream().map(model -> "--load-model=" + model),
                  Stream.of("--cache-config=local,size=1048576"))
              .toList());
  private static final KServeConnection CONNECTION =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults());

  private SharedTriton() {}

  static RealTriton server() {
    requireRunning();
    return SERVER;
  }

  static KServeClient client() {
    requireRunning();
    return CONNECTION.client();
  }

  private static void requireRunning() {
    if (!SERVER.isAlive()) {
      SERVER.restart();
    }
  }
}
