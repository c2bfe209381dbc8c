package io.ballast.loadtest.run;

import io.ballast.loadtest.call.TargetAddress;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * A server on a free port of the loopback that answers at once and does nothing: how fast a load is
 * answered by it is how fast the generator is.
 */
final class NullMesh implements AutoCloseable {
  private static final SuggestResponse SUGGESTION =
      SuggestResponse.newBuilder()
          .setSuggestionId("00000000-0000-7000-8000-000000000000")
          .setDecision(Decision.DECISION_SHOW)
          .setText("size();")
          .setPropensity(1)
          .build();

  private final Server server;

  NullMesh() {
    try {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .directExecutor()
              .addService(new Policy())
              .addService(new Reward())
              .addService(new Feedback())
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  TargetAddress address() {
    return new TargetAddress(InetAddress.getLoopbackAddress().getHostAddress(), server.getPort());
  }

  private static <T> void answer(StreamObserver<T> observer, T answer) {
    observer.onNext(answer);
    observer.onCompleted();
  }

  private static final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void suggest(SuggestRequest request, StreamObserver<SuggestResponse> observer) {
      answer(observer, suggestion(request));
    }

    @Override
    public void suggestStream(
        SuggestStreamRequest request, StreamObserver<SuggestStreamResponse> observer) {
      observer.onNext(SuggestStreamResponse.newBuilder().setTextDelta("size();").build());
      answer(
          observer,
          SuggestStreamResponse.newBuilder().setFinished(suggestion(request.getRequest())).build());
    }

    /** With all that was asked for: what lacks a part is no answer. */
    private static SuggestResponse suggestion(SuggestRequest request) {
      SuggestResponse.Builder suggestion = SUGGESTION.toBuilder();
      if (request.getWithReward()) {
        suggestion.setReward(SuggestionReward.newBuilder().setValue(0));
      }
      if (request.getWithCost()) {
        suggestion.setCost(SuggestionCost.newBuilder().setHarmProbability(0).setThreshold(1));
      }
      return suggestion.build();
    }
  }

  private static final class Reward extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      ScoreResponse.Builder answer = ScoreResponse.newBuilder();
      for (int i = 0; i < request.getItemsCount(); i++) {
        answer.addResults(ScoreResult.newBuilder().setValue(0));
      }
      answer(observer, answer.build());
    }
  }

  private static final class Feedback extends FeedbackServiceGrpc.FeedbackServiceImplBase {
    @Override
    public void recordFeedback(
        RecordFeedbackRequest request, StreamObserver<RecordFeedbackResponse> observer) {
      answer(
          observer,
          RecordFeedbackResponse.newBuilder()
              .setEventId(request.getMetadata().getIdempotencyKey())
              .setJoined(true)
              .build());
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
