package io.ballast.reward.http;

import io.ballast.reward.config.HttpConfig;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;

/**
 * Who may send a body, decided before any of it is read. The bodies of all requests that are not
 * answered yet have a limit: each counts by its length, and one that does not tell it as the
 * longest. A body that is not whole in time is given up, so none keeps its room by not coming.
 */
final class Admission {
  private static final String TIMER = Admission.class.getName();

  private final HttpConfig config;
  private final Predicate<Optional<String>> known;
  private final Semaphore room;

  /**
   * @param known whether somebody who shows this header {@code authorization} may ask
   */
  Admission(HttpConfig config, Predicate<Optional<String>> known) {
    this.config = config;
    this.known = known;
    this.room = new Semaphore(config.maxHeldBytes());
  }

  /** Goes on to the body, or answers why not. */
  void admit(RoutingContext context) {
    Optional<Problem> problem = refusal(context.request());
    if (problem.isPresent()) {
      Answers.write(context, problem.get());
      return;
    }
    int bytes = length(context.request()).map(Long::intValue).orElse(config.maxBodyBytes());
    if (!room.tryAcquire(bytes)) {
      Answers.write(context, Problem.bodiesAtOnce(config.maxHeldBytes()));
      return;
    }
    long timer =
        context.vertx().setTimer(Math.max(1, config.timeout().toMillis()), late -> giveUp(context));
    context.put(TIMER, timer);
    context.addEndHandler(
        ended -> {
          context.vertx().cancelTimer(timer);
          room.release(bytes);
        });
    context.next();
  }

  /** The body is whole; goes on if it came in time. */
  void arrived(RoutingContext context) {
    Optional.ofNullable(context.<Long>get(TIMER)).ifPresent(context.vertx()::cancelTimer);
    if (!context.response().ended()) {
      context.next();
    }
  }

  /** A page of another site can send a form or ask for leave; trainers do neither. */
  private Optional<Problem> refusal(HttpServerRequest request) {
    String type = Optional.ofNullable(request.getHeader("Content-Type")).orElse("");
    if (!request.method().equals(HttpMethod.POST)) {
      return Optional.of(Problem.WRONG_METHOD);
    }
    if (request.getHeader("Origin") != null) {
      return Optional.of(Problem.FROM_A_PAGE);
    }
    if (!type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT).equals("application/json")) {
      return Optional.of(Problem.NOT_JSON);
    }
    if (!known.test(Optional.ofNullable(request.getHeader("Authorization")))) {
      return Optional.of(Problem.STRANGER);
    }
    return length(request)
        .filter(bytes -> bytes > config.maxBodyBytes())
        .map(bytes -> Problem.bodyTooLong(config.maxBodyBytes()));
  }

  /** What the header says; empty if it is absent or no number. */
  private static Optional<Long> length(HttpServerRequest request) {
    String header = request.getHeader("Content-Length");
    if (header == null || !header.matches("[0-9]{1,18}")) {
      return Optional.empty();
    }
    return Optional.of(Long.valueOf(header));
  }

  private void giveUp(RoutingContext context) {
    Answers.write(context, Problem.bodyLate(config.timeout()));
    context.request().connection().close();
  }
}
