package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What has come to be is freed where the rest of it did not. */
class OpeningTest {
  @Test
  void partsAreFreedTheLastOneFirstUnlessAllOfThemCameToBe() {
    List<String> freed = new ArrayList<>();
    try (Opening opening = new Opening()) {
      assertThat(opening.part("first", freed::add)).isEqualTo("first");
      opening.part("second", freed::add);
    }
    assertThat(freed).containsExactly("second", "first");
    try (Opening opening = new Opening()) {
      opening.part("third", freed::add);
      opening.done();
    }
    assertThat(freed).hasSize(2);
  }
}
