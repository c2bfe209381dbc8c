package io.ballast.kit.telemetry;

import io.opentelemetry.sdk.common.CompletableResultCode;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says once that a collector takes nothing, and once that it takes it again. Thread-safe. */
final class CollectorNews {
  private static final Logger LOG = LoggerFactory.getLogger(CollectorNews.class);

  private final String url;
  private final String what;
  private final AtomicBoolean away = new AtomicBoolean();

  /**
   * @param url of the collector
   * @param what it is sent, such as {@code metrics}
   */
  CollectorNews(String url, String what) {
    this.url = url;
    this.what = what;
  }

  /** Returns {@code sent}, and hears of what becomes of it. */
  CompletableResultCode hear(CompletableResultCode sent) {
    return sent.whenComplete(() -> tell(sent));
  }

  private void tell(CompletableResultCode sent) {
    if (sent.isSuccess()) {
      if (away.getAndSet(false)) {
        LOG.info("the collector at {} takes {} again", url, what);
      }
    } else if (!away.getAndSet(true)) {
      Throwable failure = sent.getFailureThrowable();
      LOG.warn(
          "the collector at {} takes no {}, which is said once until it does: {}",
          url,
          what,
          failure == null ? "no answer" : failure.toString());
    }
  }
}
