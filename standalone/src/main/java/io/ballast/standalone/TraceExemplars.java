package io.ballast.standalone;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.prometheus.client.exemplars.DefaultExemplarSampler;
import io.prometheus.client.exemplars.ExemplarSampler;
import io.prometheus.client.exemplars.tracer.common.SpanContextSupplier;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Leads from histograms to traces: a bucket names the trace of a call that fell into it, if that
 * trace is kept, in the format of OpenMetrics. One in some seconds is taken; the rest cost a look
 * at the clock.
 */
@Singleton
public class TraceExemplars {
  /** What Quarkus gives the registry in place of its own, which looks at nothing. */
  @Produces
  @Singleton
  @Alternative
  @Priority(1)
  Optional<ExemplarSampler> sampler() {
    return Optional.of(new DefaultExemplarSampler(new CurrentSpan()));
  }

  /** The span of what is being measured. */
  private static final class CurrentSpan implements SpanContextSupplier {
    @Override
    public @Nullable String getTraceId() {
      SpanContext current = Span.current().getSpanContext();
      return current.isValid() ? current.getTraceId() : null;
    }

    @Override
    public @Nullable String getSpanId() {
      SpanContext current = Span.current().getSpanContext();
      return current.isValid() ? current.getSpanId() : null;
    }

    @Override
    public boolean isSampled() {
      return Span.current().getSpanContext().isSampled();
    }
  }
}
