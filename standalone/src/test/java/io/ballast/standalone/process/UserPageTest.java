package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.standalone.process.UserPage.Command;
import org.junit.jupiter.api.Test;

/** Which lines of a page are commands, and how each is to end. */
class UserPageTest {
  @Test
  void onlyShellBlocksHoldCommands() {
    assertThat(
            UserPage.commands(
                """
                Text.
                ```text
                not this
                ```
                ```sh
                # a remark
                first
                # exits with 4: it is refused
                second

                third \\
                  --goes-on
                ```
                ```java
                nor.this();
                ```
                """))
        .containsExactly(
            new Command(7, "first", 0),
            new Command(9, "second", 4),
            new Command(11, "third \\\n  --goes-on", 0));
  }
}
