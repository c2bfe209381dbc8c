package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Turns come in order, and nobody has to wait behind who has given up. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TurnsTest {
  @Test
  void noMoreThanThereAreAreTaken() throws Exception {
    Turns turns = new Turns(2);
    assertThat(turns.tryTake()).isTrue();
    assertThat(turns.next().await()).isTrue();
    assertThat(turns.tryTake()).isFalse();

    turns.giveBack();
    assertThat(turns.tryTake()).isTrue();
    assertThat(turns.tryTake()).isFalse();
  }

  @Test
  void theyComeInOrderPastWhoHasGivenUp() throws Exception {
    Turns turns = new Turns(1);
    assertThat(turns.tryTake()).isTrue();
    Turns.Turn first = turns.next();
    Turns.Turn second = turns.next();
    Turns.Turn third = turns.next();

    assertThat(first.giveUp()).isTrue();
    assertThat(first.await()).isFalse();
    assertThat(first.giveUp()).as("again").isTrue();
    turns.giveBack();
    assertThat(second.await()).isTrue();
    assertThat(third.giveUp()).as("while the second has the only one").isTrue();
    assertThat(second.giveUp()).as("too late: it has it").isFalse();
    assertThat(turns.tryTake()).isFalse();

    turns.giveBack();
    assertThat(turns.tryTake()).as("nobody waits any more").isTrue();
  }

  @Test
  void whoIsInterruptedKeepsNone() {
    Turns turns = new Turns(1);
    assertThat(turns.tryTake()).isTrue();
    Turns.Turn waits = turns.next();
    Thread.currentThread().interrupt();
    assertThatThrownBy(waits::await).isInstanceOf(InterruptedException.class);
    turns.giveBack();

    Turns.Turn there = turns.next();
    Thread.currentThread().interrupt();
    assertThatThrownBy(there::await).isInstanceOf(InterruptedException.class);
    assertThat(turns.tryTake()).as("it was given back").isTrue();
  }
}
