package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What a process may write into one file: a write fails half-way then, as on a full disk. */
final class FileLimit {
  static final long NONE = -1;

  private FileLimit() {}

  /** Sets it, in bytes, for a process, unless that has ended. */
  static void set(long process, long most) throws IOException {
    Process limit =
        new ProcessBuilder(
                "prlimit",
                "--pid",
                Long.toString(process),
                "--fsize=" + (most == NONE ? "unlimited" : most) + ":unlimited")
            .redirectErrorStream(true)
            .start();
    String said = new String(limit.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(said.isEmpty() || ProcessHandle.of(process).isEmpty()).as(said).isTrue();
  }
}
