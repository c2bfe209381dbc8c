package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the tests of every change leave out is run by the longer lane. */
class LongerLaneTest {
  @Test
  void aClockJumpsInTheLongerLane() throws IOException {
    assertThat(Files.readString(Path.of("pom.xml")))
        .contains("<it.longer.excludes>**/ClockJumpIT.java</it.longer.excludes>");
    assertThat(Files.readString(Path.of("../.ci/long"))).contains(" -Dit.longer.excludes=none");
  }
}
