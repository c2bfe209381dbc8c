package io.ballast.example;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.TimeUnit;

/** Asks for a suggestion as an editor would, and records that its user took it. */
public final class SuggestFromJava {
  private SuggestFromJava() {}

  /** Talks to the mesh at {@code args[0]}, such as 127.0.0.1:9100. */
  public static void main(String[] args) {
    ManagedChannel channel = NettyChannelBuilder.forTarget(args[0]).usePlaintext().build();
    try {
      SuggestResponse answer =
          PolicyServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(10, TimeUnit.SECONDS) // what is left of it goes with every hop
              .suggest(
                  SuggestRequest.newBuilder()
                      .setMetadata(RequestMetadata.newBuilder().setTenant("my-editor"))
                      .setPrompt("int size = list.")
                      .setWithCost(true)
                      .build());
      System.out.println(answer.getDecision() + " because " + answer.getReason());
      if (answer.getDecision() != Decision.DECISION_SHOW) {
        return; // nothing to show is an answer, not an error
      }
      System.out.println("insert: " + answer.getText());
      var recorded =
          FeedbackServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(10, TimeUnit.SECONDS)
              .recordFeedback(
                  RecordFeedbackRequest.newBuilder()
                      .setMetadata(
                          RequestMetadata.newBuilder()
                              .setTenant("my-editor") // another tenant's suggestion is not found
                              .setIdempotencyKey("accepted-" + answer.getSuggestionId()))
                      .setEvent(
                          FeedbackEvent.newBuilder()
                              .setSuggestionId(answer.getSuggestionId())
                              .setAccepted(Accepted.getDefaultInstance()))
                      .build());
      System.out.println("recorded: " + recorded.getEventId());
    } catch (StatusRuntimeException e) {
      System.err.println(e.getStatus().getCode() + ": " + e.getStatus().getDescription());
      System.exit(1);
    } finally {
      channel.shutdownNow();
    }
  }
}
