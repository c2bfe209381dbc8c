package io.ballast.policy.core.suggest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.BusyException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.testing.FakeDecoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What the limit of calls hears of a suggestion's generations. */
class CandidateGeneratorTest {
  private static final Caller CALLER = new Caller("request", "tenant", Lane.INTERACTIVE, "");

  private final List<Duration> waits = new ArrayList<>();
  private final AtomicLong clock = new AtomicLong();
  private final FakeDecoder decoder = new FakeDecoder(request -> "x;");

  @Test
  void aSuggestionHasWaitedForItsFirstToken() {
    generate("int a", 1);

    assertThat(waits).containsExactly(Duration.ofNanos(1));
  }

  @Test
  void aSuggestionHasWaitedForThoseWhoShareItsSteps() {
    generate("int a = " + FakeDecoder.SHARED, 1);

    assertThat(waits).containsExactly(Duration.ofMillis(40).plusNanos(1));
  }

  @Test
  void candidatesOfOneSuggestionHoldUpNobodyElse() {
    generate("int a = " + FakeDecoder.SHARED, 2);

    assertThat(waits).containsExactly(Duration.ofNanos(1));
  }

  @Test
  void oneThatIsRefusedWouldHaveWaitedLongerThanItsCaller() {
    assertThatThrownBy(() -> generate(FakeDecoder.LATE, 2)).isInstanceOf(BusyException.class);

    assertThat(waits).containsExactly(Duration.ofMillis(1_000 + 250));
  }

  private void generate(String prompt, int candidates) {
    CallCancellation cancellation =
        new CallCancellation() {
          @Override
          public boolean cancelled() {
            return false;
          }

          @Override
          public void onCancel(Runnable action) {}

          @Override
          public Optional<Duration> remaining() {
            return Optional.of(Duration.ofSeconds(1));
          }

          @Override
          public void waited(Duration queue) {
            waits.add(queue);
          }
        };
    var unused =
        new CandidateGenerator(CALLER, cancellation, clock::getAndIncrement)
            .generate(
                decoder,
                prompt,
                100,
                SamplingOptions.builder().maxNewTokens(4).build(),
                candidates,
                TextListener.none());
  }
}
