package io.ballast.inference.triton;

/** One real Triton for all contract tests that leave it as they found it. It ends with the JVM. */
final class SharedTriton {
  private static final TritonServer SERVER =
      TritonServer.of(
          "identity", "faulty", "queued", "repeat", "versions", "double", "chain", "vllm");
  private static final KServeConnection CONNECTION =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults());

  private SharedTriton() {}

  static TritonServer server() {
    return SERVER;
  }

  static KServeClient client() {
    return CONNECTION.client();
  }
}
