package io.ballast.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.standalone.config.GivenProperties;
import io.smallrye.config.ConfigValidationException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a process that cannot start says is one line, in words of its reader. */
class MeshMainTest {
  @Test
  void aPropertyThatNoServerHasIsNamedAlone() {
    ConfigValidationException refused =
        catchThrowableOfType(
            ConfigValidationException.class, () -> GivenProperties.config(Map.of("prot", "9200")));

    assertThat(refused).hasMessageContaining("SRCFG00050");
    assertThat(MeshMain.oneLine(refused)).isEqualTo("no property ballast.prot");
  }

  @Test
  void otherFailuresAreALineInTheirOwnWords() {
    assertThat(MeshMain.oneLine(new IllegalStateException("first\n  second")))
        .isEqualTo("first second");
    assertThat(MeshMain.oneLine(new IllegalStateException())).isEqualTo("IllegalStateException");
  }
}
