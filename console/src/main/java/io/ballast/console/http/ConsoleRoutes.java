package io.ballast.console.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.console.grpc.AsCaller;
import io.ballast.console.grpc.MeshQuestions;
import io.ballast.console.mesh.ConsoleMesh;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The console's JSON, {@code /api/…}, what gates of other tools ask, {@code /hooks/…}, and the
 * headers of every answer. The page itself lies in {@code META-INF/resources}, where the HTTP
 * server finds it. An answer waits for servers on a virtual thread of its own; one whose browser
 * leaves is cancelled.
 */
public final class ConsoleRoutes implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ConsoleRoutes.class);
  private static final String API = "/api/*";
  private static final String HOOKS = "/hooks/*";
  private static final String ARGO = "/hooks/argo";
  private static final String SUGGESTIONS = "/api/suggestions";
  private static final long MOST_BODY_BYTES = 262_144;
  private static final int MOST_AT_ONCE = 64;

  /** Under which a request keeps what it showed of who asks. */
  private static final String SHOWN = "shown";

  /** Before the routes of whoever serves files. */
  private static final int FIRST = -1_000;

  private final MeshQuestions questions;
  private final ConsoleAccess access;
  private final Hooks hooks;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final Semaphore places = new Semaphore(MOST_AT_ONCE);

  /** Answers from {@code mesh} to those whom {@code access} lets in. */
  public ConsoleRoutes(ConsoleMesh mesh, ConsoleAccess access) {
    this.questions = new MeshQuestions(new AsCaller(mesh));
    this.access = access;
    this.hooks = new Hooks(questions);
  }

  /** Adds all routes. */
  public void addTo(Router router) {
    int order = FIRST;
    router.route().order(order++).handler(PageHeaders::add);
    router
        .route(API)
        .order(order++)
        .handler(BodyHandler.create(false).setBodyLimit(MOST_BODY_BYTES));
    router.route(API).order(order++).handler(this::admit);
    get(router, order++, "/api/servers", context -> questions.servers());
    get(
        router,
        order++,
        "/api/models",
        context -> questions.models(Optional.ofNullable(context.request().getParam("model"))));
    get(router, order++, "/api/runs", context -> questions.runs());
    get(router, order++, "/api/runs/:id", context -> questions.run(id(context)));
    get(router, order++, "/api/safety-tests", context -> questions.safetyTests());
    get(router, order++, "/api/certificates/:id", context -> questions.certificate(id(context)));
    get(router, order++, "/api/traces/:id", context -> questions.trace(id(context)));
    router.post(SUGGESTIONS).order(order++).handler(ConsoleRoutes::requireJson);
    router.post(SUGGESTIONS).order(order++).handler(this::suggest);
    router.route(API).order(order++).handler(ConsoleRoutes::unknown).failureHandler(this::failed);
    addHooks(router, order);
  }

  private void addHooks(Router router, int first) {
    int order = first;
    router
        .route(HOOKS)
        .order(order++)
        .handler(BodyHandler.create(false).setBodyLimit(MOST_BODY_BYTES));
    router.route(ARGO).order(order++).handler(this::admit);
    router.get(ARGO).order(order++).handler(this::argo);
    router.post(ARGO).order(order++).handler(this::argo);
    router
        .post("/hooks/flagger/confirm")
        .order(order++)
        .handler(context -> flagger(context, hooks::confirm));
    router
        .post("/hooks/flagger/rollback")
        .order(order++)
        .handler(context -> flagger(context, hooks::rollBack));
    router.route(HOOKS).order(order).handler(ConsoleRoutes::noHook).failureHandler(this::failed);
  }

  private static void noHook(RoutingContext context) {
    boolean flagger = context.normalizedPath().matches("/hooks/flagger/(confirm|rollback)");
    fail(context, flagger ? Failure.WRONG_METHOD : Failure.NO_SUCH_PATH);
  }

  /** Cancels what is under way. */
  @Override
  public void close() {
    executor.shutdownNow();
  }

  private void get(Router router, int order, String path, Question question) {
    router
        .get(path)
        .order(order)
        .handler(context -> answer(context, () -> new Answer(200, question.ask(context))));
  }

  /** The path's {@code :id}; routes with one match only if there is one. */
  private static String id(RoutingContext context) {
    return Optional.ofNullable(context.pathParam("id")).orElse("");
  }

  private void suggest(RoutingContext context) {
    byte[] body = body(context);
    answer(context, () -> new Answer(200, questions.suggest(SuggestBody.read(body))));
  }

  private static byte[] body(RoutingContext context) {
    return Optional.ofNullable(context.body().buffer()).map(Buffer::getBytes).orElse(new byte[0]);
  }

  private void argo(RoutingContext context) {
    HttpServerRequest request = context.request();
    answer(
        context,
        () ->
            hooks.argo(
                request.getParam("model"), request.getParam("version"), request.getParam("alias")));
  }

  /** Whoever has no header to put the token in has it in the body. */
  private void flagger(RoutingContext context, Function<FlaggerBody, Answer> hook) {
    FlaggerBody asked;
    try {
      asked = FlaggerBody.read(body(context));
    } catch (MeshException e) {
      fail(context, Failure.of(e));
      return;
    }
    String header = context.request().getHeader("Authorization");
    String token = header == null ? access.headerOf(asked.token()) : header;
    access
        .objection(
            context.request().getHeader("Host"), context.request().getHeader("Origin"), token)
        .ifPresentOrElse(
            failure -> fail(context, failure),
            () -> {
              context.put(SHOWN, token);
              answer(context, () -> hook.apply(asked));
            });
  }

  private void admit(RoutingContext context) {
    HttpServerRequest request = context.request();
    access
        .objection(
            request.getHeader("Host"),
            request.getHeader("Origin"),
            request.getHeader("Authorization"))
        .ifPresentOrElse(
            failure -> fail(context, failure),
            () -> {
              context.put(SHOWN, request.getHeader("Authorization"));
              context.next();
            });
  }

  /** A form of another site can send no JSON, a script of another site may not. */
  private static void requireJson(RoutingContext context) {
    String type = Optional.ofNullable(context.request().getHeader("Content-Type")).orElse("");
    if (type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT).equals("application/json")) {
      context.next();
    } else {
      fail(context, Failure.NOT_JSON);
    }
  }

  private static void unknown(RoutingContext context) {
    boolean other =
        !context.request().method().equals(HttpMethod.GET)
            || context.normalizedPath().equals(SUGGESTIONS);
    fail(context, other ? Failure.WRONG_METHOD : Failure.NO_SUCH_PATH);
  }

  private void failed(RoutingContext context) {
    if (context.response().ended()) {
      return;
    }
    if (context.statusCode() == 413) {
      fail(context, Failure.TOO_LONG);
      return;
    }
    Throwable failure = context.failure(); // none where a handler said a status alone
    LOG.error("{} failed", context.normalizedPath(), failure == null ? null : Wordless.of(failure));
    fail(context, Failure.BUG);
  }

  private void answer(RoutingContext context, Callable<Answer> asked) {
    Context loop = context.vertx().getOrCreateContext();
    String shown = context.get(SHOWN);
    Callable<Answer> question = AsCaller.asking(shown, asked);
    Future<?> work =
        executor.submit(
            () -> {
              Answer made = answer(context.normalizedPath(), question);
              // who was let in to be told that the servers start may be nobody once they have
              boolean stranger = shown == null && !access.knows(null);
              Answer answer = stranger ? Answer.of(Failure.NO_TOKEN) : made;
              loop.runOnContext(done -> write(context, answer));
            });
    context.response().closeHandler(left -> work.cancel(true));
  }

  /** Takes its place on the thread that gives it back: one that is cancelled first never ran. */
  private Answer answer(String path, Callable<Answer> question) {
    if (!places.tryAcquire()) {
      return Answer.of(Failure.BUSY);
    }
    try {
      return question.call();
    } catch (MeshException e) {
      return Answer.of(Failure.of(e));
    } catch (Exception e) {
      LOG.error("{} failed", path, Wordless.of(e));
      return Answer.of(Failure.BUG);
    } finally {
      places.release();
    }
  }

  private static void fail(RoutingContext context, Failure failure) {
    write(context, Answer.of(failure));
  }

  private static void write(RoutingContext context, Answer answer) {
    if (context.response().ended() || context.response().closed()) {
      return;
    }
    context.response().setStatusCode(answer.status());
    if (answer.status() == 401) {
      context.response().putHeader("WWW-Authenticate", "Bearer");
    }
    if (answer.status() == 429) {
      context.response().putHeader("Retry-After", "1");
    }
    context.response().putHeader("Content-Type", "application/json").end(answer.body().toString());
  }

  /** What a path asks of the servers; may block. */
  @FunctionalInterface
  private interface Question {
    JsonNode ask(RoutingContext context);
  }
}
