package io.ballast.console.http;

import io.vertx.core.MultiMap;
import io.vertx.ext.web.RoutingContext;
import java.util.Map;

/**
 * What a browser is told with every answer: run and load only what comes from here, show this page
 * in no frame, guess no types, keep no old copy.
 */
final class PageHeaders {
  private static final Map<String, String> HEADERS =
      Map.of(
          "Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
              + " connect-src 'self'; base-uri 'none'; form-action 'none';"
              + " frame-ancestors 'none'",
          "X-Content-Type-Options",
          "nosniff",
          "X-Frame-Options",
          "DENY",
          "Referrer-Policy",
          "no-referrer",
          "Cross-Origin-Opener-Policy",
          "same-origin",
          "Cross-Origin-Resource-Policy",
          "same-origin");

  private PageHeaders() {}

  /** Adds them and goes on. */
  static void add(RoutingContext context) {
    MultiMap headers = context.response().headers();
    HEADERS.forEach(headers::set);
    // whoever serves the file has its own idea; a page must fit the process that it asks
    context.addHeadersEndHandler(done -> headers.set("Cache-Control", "no-cache"));
    context.next();
  }
}
