package io.ballast.kit.telemetry;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;

/** Sends spans through {@code next}, and has what becomes of them heard. */
record SpansToCollector(SpanExporter next, CollectorNews news) implements SpanExporter {
  @Override
  public CompletableResultCode export(Collection<SpanData> spans) {
    return news.hear(next.export(spans));
  }

  @Override
  public CompletableResultCode flush() {
    return next.flush();
  }

  @Override
  public CompletableResultCode shutdown() {
    return next.shutdown();
  }
}
