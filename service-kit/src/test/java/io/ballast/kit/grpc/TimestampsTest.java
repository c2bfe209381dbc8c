package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Timestamp;
import io.ballast.kit.error.MeshException;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Points in time pass over the wire as they are. */
class TimestampsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-28T02:40:00.123456789Z",
        "1969-12-31T23:59:59.5Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z"
      })
  void anInstantIsTheSameOnTheOtherSide(String text) {
    Timestamp sent = Timestamps.of(Instant.parse(text));
    assertThatCode(() -> Timestamps.requireValid("time", sent)).doesNotThrowAnyException();
    assertThat(Timestamps.instant(sent)).isEqualTo(Instant.parse(text));
  }

  @Test
  void nanosecondsCountForwardsBeforeTheEpochToo() {
    assertThat(Timestamps.of(Instant.parse("1969-12-31T23:59:59.5Z")))
        .isEqualTo(Timestamp.newBuilder().setSeconds(-1).setNanos(500_000_000).build());
  }

  @ParameterizedTest
  @CsvSource({"-62135596801, 0", "253402300800, 0", "0, -1", "0, 1000000000"})
  void whatIsNoTimestampIsRefusedByName(long seconds, int nanos) {
    Timestamp none = Timestamp.newBuilder().setSeconds(seconds).setNanos(nanos).build();
    assertThatThrownBy(() -> Timestamps.requireValid("event.event_time", none))
        .isInstanceOf(MeshException.class)
        .hasMessageStartingWith("event.event_time: " + seconds + " s, " + nanos + " ns (expected:");
  }
}
