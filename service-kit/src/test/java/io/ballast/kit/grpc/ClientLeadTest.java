package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A client is asked for more while it is ahead by fewer messages and bytes than it may be. */
class ClientLeadTest {
  @Test
  void messagesHoldIt() {
    ClientLead lead = new ClientLead(2, 1_000);
    assertThat(lead.came(1)).isTrue();
    assertThat(lead.came(1)).as("two ahead").isFalse();
    assertThat(lead.answered(1, 1)).isTrue();
    assertThat(lead.came(0)).as("two again").isFalse();
    assertThat(lead.answered(2, 1)).isTrue();
  }

  @Test
  void bytesHoldItAndOneMessageMayGoBeyondThem() {
    ClientLead lead = new ClientLead(100, 10);
    assertThat(lead.came(9)).as("9 of 10").isTrue();
    assertThat(lead.came(500)).as("509 of 10").isFalse();
    assertThat(lead.answered(1, 9)).as("500 of 10").isFalse();
    assertThat(lead.answered(1, 500)).isTrue();
    assertThat(lead.came(10)).as("10 of 10").isFalse();
  }

  @Test
  void oneMessageIsAskedForAtATime() {
    ClientLead lead = new ClientLead(100, 10);
    assertThat(lead.came(1)).isTrue();
    assertThat(lead.answered(1, 1)).as("one is asked for already").isFalse();
    assertThat(lead.came(1)).isTrue();
  }
}
