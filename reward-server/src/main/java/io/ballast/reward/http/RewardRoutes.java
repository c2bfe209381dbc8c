package io.ballast.reward.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.reward.config.HttpConfig;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.grpc.ScoreCalls;
import io.ballast.reward.grpc.ScoreCalls.Asker;
import io.ballast.reward.grpc.ScoreCalls.Outcome;
import io.ballast.reward.grpc.ScoreCalls.Scored;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Context;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scores for clients of other reward servers: each request is one call of Score. Such clients need
 * a number for every text, so a request of which one text has no reward fails, naming it; no number
 * stands for a failure. A request is answered on a virtual thread of its own; one whose client
 * leaves is cancelled.
 */
public final class RewardRoutes implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RewardRoutes.class);

  /** Before the routes of whoever serves files. */
  private static final int FIRST = -900;

  private final HttpConfig config;
  private final Admission admission;
  private final int maxItems;
  private final ScoreCalls calls;
  private final List<Dialect> dialects;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();

  /**
   * Answers from {@code calls}.
   *
   * @param known whether somebody who shows this header {@code authorization} may ask; looked at
   *     before a body is read
   * @param maxItems the most items that the service takes in one request
   */
  public RewardRoutes(
      HttpConfig config,
      Predicate<Optional<String>> known,
      int maxItems,
      ScoreCalls calls,
      InstantSource clock) {
    this.config = config;
    this.admission = new Admission(config, known);
    this.maxItems = maxItems;
    this.calls = calls;
    this.dialects = List.of(new GetReward(), new Classify(clock));
  }

  /** Adds all routes, if there shall be any. */
  public void addTo(Router router) {
    if (!config.enabled()) {
      return;
    }
    int order = FIRST;
    for (Dialect dialect : dialects) {
      String path = dialect.path();
      router.route(path).order(order++).handler(admission::admit);
      router
          .post(path)
          .order(order++)
          .handler(BodyHandler.create(false).setBodyLimit(config.maxBodyBytes()))
          .failureHandler(this::failed);
      router.post(path).order(order++).handler(admission::arrived);
      router.post(path).order(order++).handler(context -> answer(context, dialect));
    }
  }

  /** Cancels what is under way. */
  @Override
  public void close() {
    executor.shutdownNow();
  }

  private void failed(RoutingContext context) {
    if (context.response().ended() || context.failure() instanceof HttpClosedException) {
      return; // nobody waits for an answer
    }
    if (context.statusCode() == 413) {
      Answers.write(context, Problem.bodyTooLong(config.maxBodyBytes()));
      return;
    }
    if (context.statusCode() == 400) {
      Answers.write(context, Problem.NO_ADDRESS);
      return;
    }
    Throwable failure = context.failure();
    LOG.atError()
        .setCause(failure == null ? null : Wordless.of(failure))
        .log("{} failed", context.normalizedPath());
    Answers.write(context, Problem.BUG);
  }

  private void answer(RoutingContext context, Dialect dialect) {
    HttpServerRequest request = context.request();
    byte[] body =
        Optional.ofNullable(context.body().buffer()).map(Buffer::getBytes).orElse(new byte[0]);
    Map<String, List<String>> parameters = values(context.queryParams());
    Optional<String> authorization = Optional.ofNullable(request.getHeader("Authorization"));
    Optional<String> requestId = Optional.ofNullable(request.getHeader("X-Request-Id"));
    Context loop = context.vertx().getOrCreateContext();
    Future<?> work =
        executor.submit(
            () -> {
              Runnable answer;
              try {
                Options options = Options.read(parameters, dialect.parameters(), config.timeout());
                ScoreCommand command =
                    dialect.read(JsonBody.read(body, dialect.fields(options), maxItems), options);
                Asker asker = new Asker(authorization, requestId, options.timeout());
                answer = answer(context, dialect, calls.score(command, asker));
              } catch (MeshException e) {
                answer = () -> Answers.write(context, Problem.of(e));
              } catch (StatusRuntimeException e) {
                answer = () -> Answers.write(context, Problem.of(e, dialect.texts()));
              } catch (RuntimeException e) {
                LOG.error("{} failed", dialect.path(), Wordless.of(e));
                answer = () -> Answers.write(context, Problem.BUG);
              } catch (Error e) {
                loop.runOnContext(done -> Answers.write(context, Problem.BUG));
                LOG.error("{} failed", dialect.path(), Wordless.of(e));
                throw e;
              }
              Runnable last = answer;
              loop.runOnContext(done -> last.run());
            });
    context.addEndHandler(ended -> work.cancel(true));
  }

  private static Runnable answer(RoutingContext context, Dialect dialect, Scored scored) {
    SortedMap<Integer, ItemFault> faults = new TreeMap<>();
    List<Outcome.Value> rewards = new ArrayList<>();
    for (int i = 0; i < scored.outcomes().size(); i++) {
      switch (scored.outcomes().get(i)) {
        case Outcome.Failed failed -> faults.put(i, failed.fault());
        case Outcome.Value value -> rewards.add(value);
      }
    }
    if (!faults.isEmpty()) {
      Problem problem =
          Problem.of(faults, scored.outcomes().size(), dialect.texts(), scored.requestId());
      return () -> Answers.write(context, problem);
    }
    ObjectNode body = dialect.write(scored, rewards);
    return () -> {
      context
          .response()
          .putHeader("X-Request-Id", scored.requestId())
          .putHeader("X-Ballast-Model", scored.by().model() + "/" + scored.by().version())
          .putHeader("X-Ballast-Weights-Sha256", scored.by().weightsSha256());
      Answers.write(context, 200, "application/json", body);
    };
  }

  private static Map<String, List<String>> values(MultiMap parameters) {
    return parameters.names().stream()
        .collect(Collectors.toMap(name -> name, parameters::getAll, (a, b) -> a));
  }
}
