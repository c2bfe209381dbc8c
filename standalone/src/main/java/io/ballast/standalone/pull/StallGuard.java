package io.ballast.standalone.pull;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A stream that is broken off when nothing has come for some time: the timeout of an HTTP request
 * ends with the headers.
 */
final class StallGuard extends FilterInputStream {
  private final Duration patience;

  StallGuard(InputStream in, Duration patience) {
    super(in);
    this.patience = patience;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    CompletableFuture<Void> alarm =
        CompletableFuture.runAsync(
            this::breakOff,
            CompletableFuture.delayedExecutor(patience.toNanos(), TimeUnit.NANOSECONDS));
    try {
      return in.read(buffer, offset, length);
    } finally {
      alarm.cancel(false);
    }
  }

  private void breakOff() {
    try {
      in.close();
    } catch (IOException e) {
      // the read that waits gets its own exception
    }
  }
}
