package io.ballast.loadtest;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.policy.v1.TrainingRecord;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.ClientAuth;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLException;

/**
 * Answers Suggest, Score and Feedback on a free port of the loopback. Every fourth suggestion is
 * withheld; a prompt with "fail" is refused as INTERNAL, a completion with it has no value. It has
 * forgotten the first {@code forgotten} events, has the last {@code doubled} once more under other
 * ids, and tells nobody what it has if it is {@code unreadable}.
 */
final class FakeMesh implements AutoCloseable {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  final List<SuggestRequest> suggested = new CopyOnWriteArrayList<>();
  final List<ScoreRequest> scored = new CopyOnWriteArrayList<>();
  final List<RecordFeedbackRequest> reported = new CopyOnWriteArrayList<>();
  volatile String text = "size()";
  volatile double score = 1;
  volatile int forgotten;
  volatile int doubled;
  volatile boolean unreadable;
  final List<String> authorizations = new CopyOnWriteArrayList<>();

  private final Server server;

  FakeMesh() {
    this(NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0)));
  }

  private FakeMesh(NettyServerBuilder builder) {
    try {
      server =
          builder
              .directExecutor()
              .intercept(
                  new ServerInterceptor() {
                    @Override
                    public <Q, A> ServerCall.Listener<Q> interceptCall(
                        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                      authorizations.add(String.valueOf(headers.get(AUTHORIZATION)));
                      return next.startCall(call, headers);
                    }
                  })
              .addService(new Policy())
              .addService(new Reward())
              .addService(new Feedback())
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * One that encrypts, and whose callers have to show a certificate.
   *
   * @param trusted PEM of the authority that vouches for them
   */
  static FakeMesh encrypted(Path certificate, Path key, Path trusted) {
    try {
      return new FakeMesh(
          NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
              .sslContext(
                  GrpcSslContexts.forServer(certificate.toFile(), key.toFile())
                      .trustManager(trusted.toFile())
                      .clientAuth(ClientAuth.REQUIRE)
                      .build()));
    } catch (SSLException e) {
      throw new UncheckedIOException(e);
    }
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void suggest(SuggestRequest request, StreamObserver<SuggestResponse> observer) {
      suggested.add(request);
      if (request.getPrompt().contains("fail")) {
        observer.onError(Status.INTERNAL.asRuntimeException());
        return;
      }
      boolean withheld = suggested.size() % 4 == 0;
      observer.onNext(suggestion(withheld));
      observer.onCompleted();
    }

    private SuggestResponse suggestion(boolean withheld) {
      return SuggestResponse.newBuilder()
          .setSuggestionId("s-" + suggested.size())
          .setDecision(withheld ? Decision.DECISION_WITHHOLD : Decision.DECISION_SHOW)
          .setText(withheld ? "" : text)
          .setPropensity(1)
          .build();
    }

    @Override
    public void suggestStream(
        SuggestStreamRequest request, StreamObserver<SuggestStreamResponse> observer) {
      suggested.add(request.getRequest());
      observer.onNext(SuggestStreamResponse.newBuilder().setTextDelta("si").build());
      observer.onNext(SuggestStreamResponse.newBuilder().setTextDelta("ze()").build());
      observer.onNext(SuggestStreamResponse.newBuilder().setFinished(suggestion(false)).build());
      observer.onCompleted();
    }
  }

  private final class Reward extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      scored.add(request);
      ScoreResponse.Builder answer = ScoreResponse.newBuilder();
      for (ScoreItem item : request.getItemsList()) {
        answer.addResults(
            item.getPrompt().getText().contains("fail")
                ? ScoreResult.newBuilder()
                    .setFailure(
                        ItemFailure.newBuilder().setReason(FailureReason.FAILURE_REASON_TOO_LONG))
                : ScoreResult.newBuilder().setValue(score));
      }
      observer.onNext(answer.build());
      observer.onCompleted();
    }
  }

  private final class Feedback extends FeedbackServiceGrpc.FeedbackServiceImplBase {
    @Override
    public void recordFeedback(
        RecordFeedbackRequest request, StreamObserver<RecordFeedbackResponse> observer) {
      reported.add(request);
      observer.onNext(
          RecordFeedbackResponse.newBuilder()
              .setEventId("e-" + request.getMetadata().getIdempotencyKey())
              .setJoined(true)
              .build());
      observer.onCompleted();
    }

    @Override
    public void streamTrainingRecords(
        StreamTrainingRecordsRequest request,
        StreamObserver<StreamTrainingRecordsResponse> observer) {
      if (unreadable) {
        observer.onError(Status.UNAVAILABLE.asRuntimeException());
        return;
      }
      reported
          .subList(forgotten, reported.size())
          .forEach(event -> observer.onNext(record("e-", event)));
      reported
          .subList(reported.size() - doubled, reported.size())
          .forEach(event -> observer.onNext(record("again-", event)));
      observer.onCompleted();
    }

    private static StreamTrainingRecordsResponse record(
        String prefix, RecordFeedbackRequest request) {
      return StreamTrainingRecordsResponse.newBuilder()
          .setRecord(
              TrainingRecord.newBuilder()
                  .setEventId(prefix + request.getMetadata().getIdempotencyKey())
                  .setEvent(request.getEvent()))
          .build();
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
