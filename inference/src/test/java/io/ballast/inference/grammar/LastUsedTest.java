package io.ballast.inference.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Many small values may be kept, or few large ones. */
class LastUsedTest {
  private final LastUsed<String, String> kept = new LastUsed<>(10, String::length);

  @Test
  void theWeightOfAllTogetherIsBoundedNotTheirNumber() {
    for (String each : "a b c d e f g h i j".split(" ")) {
      kept.put(each, each);
    }
    assertThat(kept.get("a")).isEqualTo("a"); // used: now b is the eldest
    kept.put("12345678", "12345678");
    assertThat(kept.get("a")).isEqualTo("a");
    assertThat(kept.get("j")).isEqualTo("j");
    assertThat(kept.get("b")).isNull();
    assertThat(kept.get("i")).isNull();
  }

  @Test
  void aValueThatIsPutAgainWeighsOnce() {
    for (int i = 0; i < 5; i++) {
      kept.put("four", "1234");
    }
    kept.put("six", "123456");
    assertThat(kept.get("four")).isEqualTo("1234");
  }

  @Test
  void whatWeighsMoreThanTheLimitIsNotKept() {
    kept.put("eleven", "12345678901");
    assertThat(kept.get("eleven")).isNull();
    kept.put("ten", "1234567890");
    assertThat(kept.get("ten")).isNotNull();
  }
}
