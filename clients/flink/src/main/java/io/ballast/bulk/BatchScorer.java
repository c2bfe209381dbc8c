package io.ballast.bulk;

import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.github.resilience4j.retry.Retry;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Asks for the scores of a batch, again where it may help: calls that may pass, and the items of an
 * answer that had no room or no time.
 */
final class BatchScorer {
  private final RewardServiceStub stub;
  private final PinnedModel model;
  private final CallPolicy policy;
  private final ScheduledExecutorService timer;
  private final Retry retry;
  private final ScoreRequest template;
  private final ScoredRows rows;

  /**
   * Creates it.
   *
   * @param template the request but for its items
   * @param timer starts further attempts
   */
  BatchScorer(
      RewardServiceStub stub,
      ScoreRequest template,
      PinnedModel model,
      CallPolicy policy,
      ScheduledExecutorService timer) {
    this.stub = stub;
    this.template = template;
    this.model = model;
    this.policy = policy;
    this.timer = timer;
    this.rows = new ScoredRows(model.toString());
    this.retry =
        Retry.of(
            "score",
            policy.<Question>retries().retryOnResult(question -> !question.settled()).build());
  }

  /**
   * Returns the batch with its results; fails with a {@link StoppedException} where the job cannot
   * go on.
   */
  CompletionStage<ScoredBatch> score(Batch batch) {
    Question question = new Question(batch);
    Failure none = new Failure("UNSPECIFIED", "no answer");
    if (question.settled()) {
      return CompletableFuture.completedFuture(rows.write(batch, question, none));
    }
    Supplier<CompletionStage<Question>> attempt = () -> attempt(question);
    return retry
        .executeCompletionStage(timer, attempt)
        .handle(
            (answered, failure) -> {
              if (failure != null) {
                return withoutAnswer(batch, question, cause(failure));
              }
              if (!question.settled() && policy.giveUp() == GiveUp.STOP) {
                throw stopped(3, batch, question, "items have no room or no time");
              }
              return rows.write(batch, question, none);
            });
  }

  private CompletionStage<Question> attempt(Question question) {
    CompletableFuture<ScoreResponse> answer = new CompletableFuture<>();
    stub.withDeadlineAfter(policy.timeout().toNanos(), TimeUnit.NANOSECONDS)
        .score(question.request(template), new FirstAnswer(answer));
    return answer.thenApply(
        response -> {
          try {
            model.check(response.getModelVersion());
            question.answer(response);
          } catch (StoppedException e) {
            throw new CompletionException(e);
          }
          return question;
        });
  }

  private ScoredBatch withoutAnswer(Batch batch, Question question, Throwable failure) {
    if (failure instanceof StoppedException) {
      throw new CompletionException(failure);
    }
    Refusal refusal = Refusal.of(failure);
    if (policy.giveUp() == GiveUp.RECORD && refusal.mayPass()) {
      return rows.write(batch, question, new Failure(refusal.reason(), refusal.words()));
    }
    throw stopped(refusal.mayPass() ? 3 : 1, batch, question, refusal.toString());
  }

  private static CompletionException stopped(
      int exitCode, Batch batch, Question question, String why) {
    Row first = batch.rows().getFirst();
    String asked = question.calls() == 1 ? "asked once" : "asked " + question.calls() + " times";
    return new CompletionException(
        new StoppedException(
            exitCode,
            "%,d rows from %s:%d on have no score, %s: %s"
                .formatted(batch.rows().size(), first.file(), first.line(), asked, why)));
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  /** Completes a future with the answer of a unary call. */
  private record FirstAnswer(CompletableFuture<ScoreResponse> answer)
      implements StreamObserver<ScoreResponse> {
    @Override
    public void onNext(ScoreResponse response) {
      answer.complete(response);
    }

    @Override
    public void onError(Throwable failure) {
      answer.completeExceptionally(failure);
    }

    @Override
    public void onCompleted() {
      // a unary call has had its answer
    }
  }
}
