package io.ballast.kit.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** What began a failure is found behind all that came of it. */
class CausesTest {
  @Test
  void theLastCauseBeganIt() {
    IOException began = new IOException("reset");
    assertThat(Causes.first(new IllegalStateException("a", new RuntimeException("b", began))))
        .isSameAs(began);
    assertThat(Causes.first(began)).isSameAs(began);
  }

  @Test
  void aCircleOfCausesHasAnEnd() {
    RuntimeException one = new RuntimeException("one");
    RuntimeException other = new RuntimeException("other", one);
    one.initCause(other);

    assertThat(
            Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(30), () -> Causes.first(new RuntimeException("led here", one))))
        .isIn(one, other);
    assertThat(
            Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(30), () -> Causes.find(one, IOException.class)))
        .isEmpty();
  }

  @Test
  void theOutermostOfAKindIsFound() {
    IOException began = new IOException("reset");
    IOException outer = new IOException("while reading", began);
    assertThat(Causes.find(new IllegalStateException("a", outer), IOException.class))
        .containsSame(outer);
    assertThat(Causes.find(outer, IllegalStateException.class)).isEmpty();
  }
}
