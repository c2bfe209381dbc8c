package io.ballast.standalone.http;

import io.ballast.standalone.RunningMesh;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Has the log told who is refused over HTTP, as it is of calls over gRPC. A request that came to a
 * call of Score, and so has its id, is told of as that call.
 */
@ApplicationScoped
public class RefusedHttp {
  /** Before whatever refuses. */
  private static final int FIRST = -20_000;

  private final RunningMesh mesh;

  /** Takes the mesh whose log is told. */
  @Inject
  public RefusedHttp(RunningMesh mesh) {
    this.mesh = mesh;
  }

  /**
   * A request that was refused.
   *
   * @param reason in a word
   * @param path of the route that refused it, not what was asked for: anybody can make that up
   * @param from whose it was; empty: not known
   * @param message what it was told, in HTTP's words
   */
  record Refusal(String reason, String path, Optional<InetAddress> from, String message) {}

  /** Looks at each request's answer; while the servers start nobody is told. */
  void serve(@Observes Router router) {
    addTo(
        router,
        refusal ->
            mesh.process()
                .ifPresent(
                    process ->
                        process.tellRefused(
                            refusal.reason(), refusal.path(), refusal.from(), refusal.message())));
  }

  /**
   * Looks at the answer of each request.
   *
   * @param told of those that are refused, before they hear of it
   */
  static void addTo(Router router, Consumer<Refusal> told) {
    router
        .route()
        .order(FIRST)
        .handler(
            context -> {
              context.addHeadersEndHandler(unused -> refusal(context).ifPresent(told));
              context.next();
            });
  }

  private static Optional<Refusal> refusal(RoutingContext context) {
    HttpServerResponse response = context.response();
    if (response.headers().contains("X-Request-Id")) {
      return Optional.empty();
    }
    return reason(response.getStatusCode())
        .map(
            reason ->
                new Refusal(
                    reason,
                    Optional.ofNullable(context.currentRoute()).map(Route::getPath).orElse("/"),
                    Optional.ofNullable(context.request().remoteAddress().hostAddress())
                        .map(InetAddress::ofLiteral),
                    response.getStatusCode() + " " + response.getStatusMessage()));
  }

  private static Optional<String> reason(int status) {
    return switch (status) {
      case 401 -> Optional.of("unauthenticated");
      case 403 -> Optional.of("forbidden");
      case 408 -> Optional.of("unfinished_request");
      case 413 -> Optional.of("body_size");
      case 429 -> Optional.of("http_requests");
      default -> Optional.empty();
    };
  }
}
