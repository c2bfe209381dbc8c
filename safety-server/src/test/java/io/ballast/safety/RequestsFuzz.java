package io.ballast.safety;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The same requests from Jazzer, which looks for inputs that reach further: {@code JAZZER_FUZZ=1
 * ./mesh test safety-server -- -Dtest='RequestsFuzz#whatAFuzzerFinds'}. Its agent changes every
 * class of the JVM, which takes half a minute: only the longer lane waits for it.
 */
class RequestsFuzz extends FuzzedRequestsTest {
  static List<byte[]> seeds() {
    return server.seeds();
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "4m") // below the five minutes that a test may take
  void whatAFuzzerFinds(byte[] input) {
    // the server may connect to its own PostgreSQL, which Jazzer would take for a forged request
    var unused = BugDetectors.allowNetworkConnections((host, port) -> host.equals("localhost"));
    server.assertTyped(input);
  }
}
