package io.ballast.reward.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;

/** Writes answers, each once. */
final class Answers {
  private Answers() {}

  static void write(RoutingContext context, Problem problem) {
    HttpServerResponse response = context.response();
    if (response.ended() || response.closed()) {
      return;
    }
    problem.requestId().ifPresent(id -> response.putHeader("X-Request-Id", id));
    if (problem.status() == 401) {
      response.putHeader("WWW-Authenticate", "Bearer");
    }
    if (problem.status() == 405) {
      response.putHeader("Allow", "POST");
    }
    if (problem.passes()) {
      response.putHeader("Retry-After", problem.retryAfter());
    }
    write(context, problem.status(), Problem.MEDIA_TYPE, problem.body());
  }

  static void write(RoutingContext context, int status, String type, ObjectNode body) {
    HttpServerResponse response = context.response();
    if (!response.ended() && !response.closed()) {
      response.setStatusCode(status).putHeader("Content-Type", type).end(body.toString());
    }
  }
}
