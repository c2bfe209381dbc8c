package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Optional;

/** Whether this machine lets a process have namespaces of its own: asked of it, not of our code. */
final class Namespaces {
  private Namespaces() {}

  /** Whether tests run; a machine without namespaces must say so, and any other must have none. */
  static boolean run(Optional<String> flaw) throws IOException, InterruptedException {
    if (allowed()) {
      assertThat(flaw).isEmpty();
      return true;
    }
    assertThat(flaw.orElseThrow()).startsWith("sandbox: it did not start (exit code ");
    return false;
  }

  private static boolean allowed() throws IOException, InterruptedException {
    return new ProcessBuilder(
                "/bin/sh",
                "-c",
                "unshare --user --map-root-user --mount --net --pid --ipc --uts --fork"
                    + " mount -t tmpfs none /mnt")
            .redirectErrorStream(true)
            .start()
            .waitFor()
        == 0;
  }
}
