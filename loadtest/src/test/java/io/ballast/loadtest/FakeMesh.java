package io.ballast.loadtest;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
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
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Answers Suggest and Score on a free port of the loopback. Every fourth suggestion is withheld; a
 * prompt with "fail" is refused as INTERNAL, a completion with it has no value.
 */
final class FakeMesh implements AutoCloseable {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  final List<SuggestRequest> suggested = new CopyOnWriteArrayList<>();
  final List<ScoreRequest> scored = new CopyOnWriteArrayList<>();
  final List<String> authorizations = new CopyOnWriteArrayList<>();

  private final Server server;

  FakeMesh() {
    try {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
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
              .build()
              .start();
    } catch (IOException e) {
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
      observer.onNext(
          SuggestResponse.newBuilder()
              .setDecision(withheld ? Decision.DECISION_WITHHOLD : Decision.DECISION_SHOW)
              .build());
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
                : ScoreResult.newBuilder().setValue(1));
      }
      observer.onNext(answer.build());
      observer.onCompleted();
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
