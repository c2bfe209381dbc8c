package io.ballast.kit.grpc;

import io.ballast.kit.telemetry.BoundedNames;
import io.ballast.mesh.v1.RequestMetadata;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.trace.Span;
import java.util.function.Function;

/** Reads who asks, and counts a server's requests by tenant. */
public final class TenantCalls implements Function<RequestMetadata, RequestContext> {
  /** So many tenants have a series of their own at each server. */
  static final int TENANTS = 100;

  private final Function<RequestMetadata, RequestContext> next;
  private final MeterRegistry meters;
  private final String server;
  private final BoundedNames tenants = new BoundedNames(TENANTS);

  /**
   * @param server whose requests they are
   */
  public TenantCalls(
      Function<RequestMetadata, RequestContext> next, MeterRegistry meters, String server) {
    this.next = next;
    this.meters = meters;
    this.server = server;
  }

  @Override
  public RequestContext apply(RequestMetadata metadata) {
    RequestContext context = next.apply(metadata);
    String tenant = tenants.tag(context.tenant());
    meters
        .counter("ballast.server.tenant.requests", "server", server, "tenant", tenant)
        .increment();
    Span.current().setAttribute("ballast.tenant", context.tenant());
    return context;
  }
}
