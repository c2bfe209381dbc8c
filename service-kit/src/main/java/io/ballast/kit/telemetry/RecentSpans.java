package io.ballast.kit.telemetry;

import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The last spans of this process, so that one suggestion can be seen without a collector. */
public final class RecentSpans implements SpanProcessor {
  private final int limit;
  private final Deque<SpanData> spans = new ArrayDeque<>();

  RecentSpans(int limit) {
    this.limit = limit;
  }

  /**
   * A span that has ended.
   *
   * @param parentSpanId empty for the first of a trace
   * @param startEpochNanos since 1970
   * @param durationNanos ≥ 0
   * @param error empty if it ended well
   */
  public record EndedSpan(
      String traceId,
      String spanId,
      String parentSpanId,
      String name,
      String kind,
      long startEpochNanos,
      long durationNanos,
      String error,
      Map<String, String> attributes) {
    /** Copies the attributes. */
    public EndedSpan {
      attributes = Map.copyOf(attributes);
    }
  }

  /** Whether it keeps any at all. */
  public boolean keepsSome() {
    return limit > 0;
  }

  /** The spans of one trace that are still kept, in the order of their start. */
  public List<EndedSpan> trace(String traceId) {
    List<SpanData> kept;
    synchronized (spans) {
      kept = List.copyOf(spans);
    }
    return kept.stream()
        .filter(span -> span.getTraceId().equals(traceId))
        .map(RecentSpans::ended)
        .sorted(Comparator.comparingLong(EndedSpan::startEpochNanos))
        .toList();
  }

  private static EndedSpan ended(SpanData span) {
    Map<String, String> attributes = new TreeMap<>();
    span.getAttributes().forEach((key, value) -> attributes.put(key.getKey(), value.toString()));
    String error =
        switch (span.getStatus().getStatusCode()) {
          case UNSET, OK -> "";
          case ERROR -> "error " + span.getStatus().getDescription();
        };
    return new EndedSpan(
        span.getTraceId(),
        span.getSpanId(),
        span.getParentSpanContext().isValid() ? span.getParentSpanId() : "",
        span.getName(),
        span.getKind().name(),
        span.getStartEpochNanos(),
        span.getEndEpochNanos() - span.getStartEpochNanos(),
        error.strip(),
        attributes);
  }

  @Override
  public void onStart(Context parent, ReadWriteSpan span) {}

  @Override
  public boolean isStartRequired() {
    return false;
  }

  @Override
  public void onEnd(ReadableSpan span) {
    if (!span.getSpanContext().isSampled() || limit == 0) {
      return;
    }
    SpanData data = span.toSpanData();
    synchronized (spans) {
      if (spans.size() == limit) {
        spans.removeFirst();
      }
      spans.addLast(data);
    }
  }

  @Override
  public boolean isEndRequired() {
    return true;
  }
}
