package io.ballast.policy.grpc;

import io.ballast.kit.grpc.Replies;
import io.ballast.policy.core.sample.LogProbsFlow;
import io.ballast.policy.core.sample.SampleFlow;
import io.ballast.policy.core.suggest.SuggestAnswer;
import io.ballast.policy.core.suggest.SuggestFlow;
import io.ballast.policy.core.suggest.TextListener;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.LogProbsResponse;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CancellationException;
import java.util.function.LongSupplier;

/** The policy API's edge: translates, delegates, answers. Decides nothing. */
public final class PolicyGrpcService extends PolicyServiceGrpc.PolicyServiceImplBase {
  private final SuggestFlow suggestions;
  private final SampleFlow samples;
  private final LogProbsFlow logProbs;
  private final SuggestMapper suggestMapper;
  private final SampleMapper sampleMapper;
  private final Replies replies;
  private final LongSupplier nanoTime;

  public PolicyGrpcService(
      SuggestFlow suggestions,
      SampleFlow samples,
      LogProbsFlow logProbs,
      CallMapper calls,
      Replies replies,
      LongSupplier nanoTime) {
    this.suggestions = suggestions;
    this.samples = samples;
    this.logProbs = logProbs;
    this.suggestMapper = new SuggestMapper(calls);
    this.sampleMapper = new SampleMapper(calls);
    this.replies = replies;
    this.nanoTime = nanoTime;
  }

  @Override
  public void suggest(SuggestRequest request, StreamObserver<SuggestResponse> observer) {
    long arrival = nanoTime.getAsLong();
    replies.unary(
        observer, () -> suggestMapper.toResponse(suggest(request, arrival, TextListener.none())));
  }

  @Override
  public void suggestStream(
      SuggestStreamRequest request, StreamObserver<SuggestStreamResponse> observer) {
    long arrival = nanoTime.getAsLong();
    replies.<SuggestStreamResponse>stream(
        observer,
        sink -> {
          SuggestAnswer answer = suggest(request.getRequest(), arrival, into(sink));
          sink.send(
              SuggestStreamResponse.newBuilder()
                  .setFinished(suggestMapper.toResponse(answer))
                  .build());
        });
  }

  /** Sends text on; a reader that has left is told in the core's words, which count it. */
  private static TextListener into(Replies.Sink<SuggestStreamResponse> sink) {
    return delta -> {
      try {
        sink.send(SuggestStreamResponse.newBuilder().setTextDelta(delta).build());
      } catch (StatusRuntimeException e) {
        if (!sink.cancelled()) {
          throw e;
        }
        CancellationException left = new CancellationException("the caller left");
        left.initCause(e);
        throw left;
      }
    };
  }

  private SuggestAnswer suggest(SuggestRequest request, long arrival, TextListener listener) {
    return suggestions.suggest(
        suggestMapper.toCommand(request, arrival), listener, ContextCancellation.ofCurrentCall());
  }

  @Override
  public void sample(SampleRequest request, StreamObserver<SampleResponse> observer) {
    long arrival = nanoTime.getAsLong();
    replies.unary(
        observer,
        () ->
            sampleMapper.toResponse(
                samples.sample(
                    sampleMapper.toCommand(request, arrival),
                    ContextCancellation.ofCurrentCall())));
  }

  @Override
  public void logProbs(LogProbsRequest request, StreamObserver<LogProbsResponse> observer) {
    long arrival = nanoTime.getAsLong();
    replies.unary(
        observer,
        () ->
            sampleMapper.toResponse(
                logProbs.logProbs(
                    sampleMapper.toCommand(request, arrival),
                    ContextCancellation.ofCurrentCall())));
  }
}
