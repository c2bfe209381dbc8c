package io.ballast.kit.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.InstantSource;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Ids are UUIDs of version 7: they carry the time of their issue. */
class TimeOrderedIdsTest {
  private static final Instant ISSUED = Instant.ofEpochMilli(0x017F_22E2_79B0L);

  private final TimeOrderedIds ids = new TimeOrderedIds(InstantSource.fixed(ISSUED), new Random(5));

  @Test
  void theLayoutIsTheOneOfRfc9562() {
    // the time of the example in RFC 9562, appendix A.6: 017F22E2-79B0-7...
    UUID id = ids.next();
    assertThat(id.toString()).startsWith("017f22e2-79b0-7");
    assertThat(id.version()).isEqualTo(7);
    assertThat(id.variant()).isEqualTo(2);
    assertThat(TimeOrderedIds.issuedAt(id)).isEqualTo(ISSUED);
  }

  @Test
  void idsOfOneMillisecondDiffer() {
    assertThat(Stream.generate(ids::next).limit(10_000)).doesNotHaveDuplicates();
  }

  @Test
  void otherVersionsCarryNoTime() {
    UUID random = new UUID(0x0000_0000_0000_4000L, 0x8000_0000_0000_0000L);
    assertThat(TimeOrderedIds.isTimeOrdered(random)).isFalse();
    assertThatThrownBy(() -> TimeOrderedIds.issuedAt(random))
        .hasMessage(random + " (expected: a UUID of version 7)");
  }
}
