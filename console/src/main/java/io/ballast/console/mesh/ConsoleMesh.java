package io.ballast.console.mesh;

import io.ballast.kit.runtime.Role;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.grpc.Channel;
import io.opentelemetry.api.trace.Tracer;
import java.util.List;
import java.util.Optional;

/** The mesh as the console sees it: ways to its servers, and what this process remembers. */
public interface ConsoleMesh {
  /**
   * A channel to the server that plays {@code role}, here or elsewhere.
   *
   * @throws io.ballast.kit.error.MeshException MODEL_LOADING until the servers here have started
   */
  Channel peer(Role role);

  /** Where the server that plays {@code role} is. */
  Place place(Role role);

  /** Starts the spans of calls that somebody makes from the page. */
  Tracer tracer();

  /**
   * The spans of a trace that this process still keeps, in the order of their start; empty if this
   * process keeps none of any trace.
   */
  Optional<List<EndedSpan>> spans(String traceId);

  /**
   * Where a server is.
   *
   * @param here whether it is in this process
   * @param addresses {@code host:port} each, as configured
   */
  record Place(boolean here, List<String> addresses) {
    /** Copies. */
    public Place {
      addresses = List.copyOf(addresses);
    }
  }
}
