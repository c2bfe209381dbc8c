package io.ballast.reward;

import io.ballast.testing.FakeClassifiers;
import org.junit.jupiter.api.AfterEach;

/** {@link BroughtTritonContract} on a server of this JVM. */
class BroughtTritonTest extends BroughtTritonContract {
  private FakeClassifiers triton = FakeClassifiers.startAt(0);
  private final int port = triton.port();

  @AfterEach
  void end() {
    triton.close();
  }

  @Override
  String address() {
    return "127.0.0.1:" + port;
  }

  @Override
  void kill() {
    triton.close();
  }

  @Override
  void restart() {
    triton = FakeClassifiers.startAt(port);
  }
}
