package io.ballast.safety.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.FeedbackServiceGrpc.FeedbackServiceBlockingStub;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.core.canary.Arm;
import io.ballast.safety.core.canary.CanaryDecision;
import io.ballast.safety.core.canary.DecisionSource;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The decisions that a policy-server has recorded, a page at a time. */
public final class GrpcCanaryDecisions implements DecisionSource {
  private static final String PEER = "policy-server";

  private final FeedbackServiceBlockingStub feedback;
  private final Duration timeout;

  /**
   * @param timeout how long one page may take
   */
  public GrpcCanaryDecisions(Channel policyServer, Duration timeout) {
    this.feedback = FeedbackServiceGrpc.newBlockingStub(policyServer);
    this.timeout = timeout;
  }

  @Override
  public List<CanaryDecision> read(Instant since, String afterCursor, Duration minAge, int most) {
    StreamDecisionsRequest request =
        StreamDecisionsRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setRequestId("canary-watch"))
            .setAllTenants(true)
            .setSinceTime(Timestamps.of(since))
            .setAfterCursor(afterCursor)
            .setMinAgeDuration(
                com.google.protobuf.Duration.newBuilder()
                    .setSeconds(minAge.getSeconds())
                    .setNanos(minAge.getNano()))
            .setMaxDecisions(most)
            .build();
    List<CanaryDecision> read = new ArrayList<>();
    try {
      feedback
          .withDeadlineAfter(timeout)
          .streamDecisions(request)
          .forEachRemaining(response -> read.add(decision(response)));
    } catch (StatusRuntimeException e) {
      throw PeerFaults.translate(e, PEER);
    }
    return read;
  }

  private static CanaryDecision decision(StreamDecisionsResponse response) {
    DecisionRecord record = response.getRecord();
    SuggestionRecord suggestion = record.getSuggestion();
    SuggestResponse answer = suggestion.getResponse();
    return new CanaryDecision(
        response.getCursor(),
        uuid(answer.getSuggestionId()),
        answer.getPolicyVersion().getModel(),
        answer.getPolicyVersion().getVersion(),
        switch (suggestion.getArm()) {
          case CANARY_ARM_CONTROL -> Optional.of(Arm.CONTROL);
          case CANARY_ARM_CANARY -> Optional.of(Arm.CANARY);
          case CANARY_ARM_UNSPECIFIED, UNRECOGNIZED -> Optional.empty();
        },
        suggestion.getAliasRevision(),
        answer.getDecision() == Decision.DECISION_SHOW,
        suggestion.getPrompt(),
        answer.getText(),
        record.hasOutcome() ? GrpcDecisionLog.kept(record.getOutcome()) : Optional.empty());
  }

  private static UUID uuid(String text) {
    try {
      return UUID.fromString(text);
    } catch (IllegalArgumentException e) {
      throw new MeshException(
          Fault.DEPENDENCY_BROKEN,
          "%s: a suggestion has the id '%s' (expected: a UUID)".formatted(PEER, text),
          e);
    }
  }
}
