package io.ballast.kit.kserve.grpc;

import static io.ballast.kit.kserve.grpc.ShelfRequests.bytes;
import static io.ballast.kit.kserve.grpc.ShelfRequests.pair;
import static io.ballast.kit.kserve.grpc.ShelfRequests.say;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A stream of inferences over the KServe v2 API carries every answer and every error. */
class InferenceStreamTest {
  private ShelfServer server;

  @BeforeEach
  void start() throws IOException {
    server = new ShelfServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private List<ModelStreamInferResponse> stream(ModelInferRequest... requests) {
    CompletableFuture<List<ModelStreamInferResponse>> all = new CompletableFuture<>();
    List<ModelStreamInferResponse> came = new ArrayList<>();
    StreamObserver<ModelInferRequest> out =
        GRPCInferenceServiceGrpc.newStub(server.channel())
            .modelStreamInfer(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ModelStreamInferResponse answer) {
                    came.add(answer);
                  }

                  @Override
                  public void onError(Throwable error) {
                    all.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    all.complete(came);
                  }
                });
    for (ModelInferRequest request : requests) {
      out.onNext(request);
    }
    out.onCompleted();
    return all.orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static boolean isFinal(ModelStreamInferResponse answer) {
    return answer.getInferResponse().getParametersOrThrow("triton_final_response").getBoolParam();
  }

  @Test
  void aStreamGivesEachWordAndSaysWhichIsTheLast() {
    List<ModelStreamInferResponse> words = stream(say("a b c").setId("s1").build());

    assertThat(words).extracting(InferenceStreamTest::isFinal).containsExactly(false, false, true);
    assertThat(words).allMatch(answer -> answer.getInferResponse().getId().equals("s1"));
    assertThat(words)
        .extracting(word -> word.getInferResponse().getRawOutputContents(0))
        .containsExactly(bytes("a"), bytes("b"), bytes("c"));
  }

  /** As Triton does whose model gives its last answer and the mark of the end together. */
  @Test
  void noEmptyAnswerFollowsTheLast() {
    List<ModelStreamInferResponse> words =
        stream(
            say("a b")
                .putParameters(
                    "triton_enable_empty_final_response",
                    InferParameter.newBuilder().setBoolParam(true).build())
                .build());

    assertThat(words).extracting(InferenceStreamTest::isFinal).containsExactly(false, true);
  }

  @Test
  void anErrorIsAnAnswerAndTheStreamGoesOn() {
    List<ModelStreamInferResponse> answers =
        stream(say("a").setModelName("nope").setId("s3").build(), pair().setId("s4").build());

    assertThat(answers).hasSize(2);
    assertThat(answers)
        .anySatisfy(
            answer -> {
              assertThat(answer.getErrorMessage())
                  .isEqualTo("Request for unknown model: 'nope' is not found");
              assertThat(answer.getInferResponse().getId()).isEqualTo("s3");
            })
        .anySatisfy(
            answer -> {
              assertThat(answer.getErrorMessage()).isEmpty();
              assertThat(answer.getInferResponse().getId()).isEqualTo("s4");
              assertThat(isFinal(answer)).isTrue();
            });
  }
}
