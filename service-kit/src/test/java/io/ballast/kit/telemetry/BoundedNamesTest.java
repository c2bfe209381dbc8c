package io.ballast.kit.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** However many names there are, no more tags than were allowed. */
class BoundedNamesTest {
  @Test
  void theFirstAreToldApartAndStaySo() {
    BoundedNames names = new BoundedNames(2);

    assertThat(names.tag("a")).isEqualTo("a");
    assertThat(names.tag("b")).isEqualTo("b");
    assertThat(names.tag("c")).isEqualTo("other");
    assertThat(names.tag("a")).isEqualTo("a");
  }

  @Test
  void manyAtOnceAreNoMoreThanAllowed() {
    BoundedNames names = new BoundedNames(10);

    assertThat(
            IntStream.range(0, 10_000)
                .parallel()
                .mapToObj(i -> names.tag("t" + i % 1_000))
                .distinct())
        .hasSize(11)
        .contains("other");
  }

  @Test
  void whereNoneMayBeAllAreOthers() {
    assertThat(new BoundedNames(0).tag("a")).isEqualTo("other");
  }
}
