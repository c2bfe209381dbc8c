package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Memory for requests is taken and given back, and no address takes all of what is shared out. */
class SharesTest {
  @Test
  void whatFindsNoRoomTakesNothing() {
    Shares room = new Shares(10, false);
    assertThat(room.take("a", 7)).isTrue();
    assertThat(room.take("b", 4)).isFalse();
    assertThat(room.held()).isEqualTo(7);
    assertThat(room.take("a", 3)).isTrue();
    room.give("a", 10);
    assertThat(room.held()).isZero();
    assertThat(room.take("b", 10)).isTrue();
  }

  @Test
  void anAddressTakesNoMoreThanItLeavesFree() {
    Shares room = new Shares(12, true);
    assertThat(room.take("a", 6)).isTrue();
    assertThat(room.take("a", 1)).isFalse();
    assertThat(room.take("b", 3)).isTrue();
    assertThat(room.take("b", 1)).isFalse();
    assertThat(room.take("c", 1)).isTrue();
    assertThat(room.held()).isEqualTo(10);

    room.give("a", 6);
    assertThat(room.held()).isEqualTo(4);
    assertThat(room.take("a", 4)).as("what it gave back counts no more").isTrue();
  }
}
