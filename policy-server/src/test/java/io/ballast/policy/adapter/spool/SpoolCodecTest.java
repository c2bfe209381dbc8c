package io.ballast.policy.adapter.spool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackKind;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.outage.Spooled;
import io.ballast.policy.core.suggest.DecisionRow;
import java.io.IOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What waits is the same after it was read again. */
class SpoolCodecTest {
  private static final UUID ID = UUID.fromString("01938a3c-0000-7000-8000-000000000001");
  private static final Instant AT = Instant.parse("2026-11-29T16:00:00.123456789Z");
  private static final Payload BODY = Payload.of(new byte[] {0, 1, -1});

  private static final Spooled DECISION =
      new Spooled.Decision(
          new DecisionRow(
              ID,
              "täñänt",
              new PinnedVersion("java-tiny", "2", "0".repeat(64)),
              "SHOW",
              "LIKELY_ACCEPTED",
              AT,
              BODY,
              "",
              OptionalInt.of(0)));
  private static final Spooled FEEDBACK =
      new Spooled.Feedback(
          new FeedbackCommand(
              new Caller("request", "tenant", Lane.TRAINER, "key"),
              ID,
              FeedbackKind.EDITED,
              AT,
              BODY,
              "f".repeat(64)),
          new UUID(1, 2));

  @Test
  void aDecisionIsReadAsItWas() throws Exception {
    assertThat(SpoolCodec.decode(SpoolCodec.encode(DECISION))).isEqualTo(DECISION);
  }

  @Test
  void feedbackIsReadAsItWas() throws Exception {
    assertThat(SpoolCodec.decode(SpoolCodec.encode(FEEDBACK))).isEqualTo(FEEDBACK);
  }

  @Test
  void whatALaterReleaseWroteIsNotGuessed() {
    assertThatThrownBy(() -> SpoolCodec.decode(new byte[] {9}))
        .isInstanceOf(IOException.class)
        .hasMessage("kind 9 (expected: 1 or 2)");
    byte[] longer = Arrays.copyOf(SpoolCodec.encode(DECISION), 500);
    assertThatThrownBy(() -> SpoolCodec.decode(longer)).isInstanceOf(IOException.class);
  }

  @Test
  void noShorterRecordIsTakenForAWholeOne() {
    byte[] whole = SpoolCodec.encode(FEEDBACK);
    for (int length = 0; length < whole.length; length++) {
      byte[] shorter = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> SpoolCodec.decode(shorter)).isInstanceOf(IOException.class);
    }
  }
}
