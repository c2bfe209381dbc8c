package io.ballast.reward.adapter;

import io.ballast.kit.call.Texts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/**
 * What a sandbox has printed, up to a limit. Only lines that begin with its secret are its
 * harness's. Thread-safe.
 */
final class SandboxOutput {
  private static final int MOST_BYTES = 256 << 10;
  private static final int SHOWN_CHARACTERS = 200;
  private static final long PATIENCE_SECONDS = 5;

  private final String secret;

  @SuppressWarnings("JdkObsolete") // one thread writes it, another reads
  private final StringBuffer text = new StringBuffer();

  private final Thread reader;

  /** Begins to read. */
  SandboxOutput(Process process, String secret) {
    this.secret = secret;
    this.reader =
        Thread.ofVirtual().name("sandbox-output").start(() -> read(process.getInputStream()));
  }

  private void read(InputStream in) {
    byte[] buffer = new byte[8 << 10];
    int all = 0;
    try {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        all += read;
        if (all > MOST_BYTES) {
          return; // not the harness, which says a few lines
        }
        text.append(new String(buffer, 0, read, StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      text.append("\n"); // the process was killed, and its pipe closed
    }
  }

  /** Waits until all that a dead process has printed is read. */
  void await() {
    try {
      reader.join(Duration.ofSeconds(PATIENCE_SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the harness has said {@code word}. */
  boolean has(String word) {
    return after(word).isPresent();
  }

  /** What the harness has said after {@code word}. */
  Optional<String> after(String word) {
    String begin = "\n" + secret + " " + word + " ";
    int at = text.indexOf(begin);
    int end = at < 0 ? -1 : text.indexOf("\n", at + 1);
    return end < 0 ? Optional.empty() : Optional.of(text.substring(at + begin.length(), end));
  }

  /** The beginning of all that was printed, for a person. */
  String words() {
    return Texts.asLine(text.toString().strip(), SHOWN_CHARACTERS);
  }
}
