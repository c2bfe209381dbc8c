package io.ballast.standalone.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What of a mesh that encrypts may be asked in plain HTTP, and from where. */
class PlainHttpTest {
  @ParameterizedTest
  @CsvSource({
    "/get_reward,      127.0.0.1,       true",
    "/api/runs,        0:0:0:0:0:0:0:1, true",
    "/get_reward,      10.0.0.7,        false",
    "/api/runs,        10.0.0.7,        false",
    "/hooks/argo,      fd00::7,         false",
    "/,                10.0.0.7,        false",
    "/q/health/ready,  10.0.0.7,        true",
    "/q/metrics,       fd00::7,         true",
    "/quite,           10.0.0.7,        false"
  })
  void healthAndMetricsAreAnybodysAndTheRestIsThisMachines(
      String path, String remote, boolean open) {
    assertThat(PlainHttp.isOpen(path, remote)).isEqualTo(open);
  }
}
