package io.ballast.kit.build;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The build writes down what it built, and makes up nothing. */
class CodeVersionTest {
  @Test
  void theReleaseIsThatOfTheBuild() {
    assertThat(CodeVersion.built().release()).matches("[0-9]+\\.[0-9]+\\.[0-9]+(-SNAPSHOT)?");
    assertThat(CodeVersion.built().commit().orElse("0")).matches("[0-9a-f]+(\\+changed)?");
  }

  @Test
  void aCommitThatNobodyToldIsNotKnown() {
    assertThat(CodeVersion.of("0.1.0", "unknown")).hasToString("Ballast 0.1.0");
    assertThat(CodeVersion.of("0.1.0", "")).hasToString("Ballast 0.1.0");
    assertThat(CodeVersion.of("0.1.0", "${ballast.commit}")).hasToString("Ballast 0.1.0");
    assertThat(CodeVersion.of("0.1.0", "0123456789ab+changed"))
        .hasToString("Ballast 0.1.0, commit 0123456789ab+changed");
  }
}
