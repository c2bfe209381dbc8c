package io.ballast.standalone.http;

import io.ballast.standalone.config.MeshConfig;
import io.ballast.standalone.config.MeshProperties;
import io.ballast.standalone.config.SecurityConfig;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.net.InetAddress;

/**
 * Where gRPC is encrypted, other machines are told nothing in plain HTTP but health and metrics,
 * unless the operator says that they may: they would show their tokens to the network.
 */
@ApplicationScoped
public class PlainHttp {
  private static final int BEFORE_ALL_ROUTES = -10_000;

  /** Health and metrics, which show no token and nobody's text. */
  private static final String OPEN = "/q/";

  private static final String REFUSED =
      "plain HTTP is for this machine only, since the mesh encrypts: ask by https"
          + " (quarkus.http.ssl.*), or set ballast.security.plain-http=true where a proxy or the"
          + " network does that";

  private final boolean refuses;

  /** Takes what the operator says. */
  @Inject
  public PlainHttp(MeshProperties properties) {
    SecurityConfig security = MeshConfig.from(properties).security();
    this.refuses = security.tls().isPresent() && !security.plainHttp();
  }

  /** Looks at each request before the routes do. */
  void serve(@Observes Router router) {
    if (refuses) {
      router.route().order(BEFORE_ALL_ROUTES).handler(PlainHttp::look);
    }
  }

  private static void look(RoutingContext context) {
    HttpServerRequest request = context.request();
    if (request.isSSL()
        || isOpen(context.normalizedPath(), request.remoteAddress().hostAddress())) {
      context.next();
      return;
    }
    context
        .response()
        .setStatusCode(403)
        .putHeader("Content-Type", "application/json")
        .end(new JsonObject().put("reason", "FORBIDDEN").put("message", REFUSED).encode());
  }

  /** Whether plain HTTP may ask for {@code path} from the address {@code remote}. */
  static boolean isOpen(String path, String remote) {
    return path.startsWith(OPEN) || InetAddress.ofLiteral(remote).isLoopbackAddress();
  }
}
