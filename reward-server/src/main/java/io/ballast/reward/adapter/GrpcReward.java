package io.ballast.reward.adapter;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerChannel;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.component.Judging;
import io.ballast.reward.component.RemoteComponent;
import io.ballast.reward.component.RemoteReward;
import io.ballast.reward.component.RemoteSettings;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;

/**
 * The Score of another RewardService. The caller's deadline and request id travel with it; the
 * channel asks the breaker.
 */
final class GrpcReward implements RemoteReward {
  private final String name;
  private final RemoteSettings settings;
  private final PeerChannel channel;

  /** Takes over {@code channel}. */
  GrpcReward(String name, RemoteSettings settings, PeerChannel channel) {
    this.name = name;
    this.settings = settings;
    this.channel = channel;
  }

  @Override
  public List<ComponentOutcome> ask(
      List<Question> questions, RemoteComponent component, Judging judging) {
    List<ComponentOutcome> outcomes = new ArrayList<>();
    for (int first = 0; first < questions.size(); first += settings.batchItems()) {
      outcomes.addAll(
          askPortion(
              questions.subList(first, Math.min(questions.size(), first + settings.batchItems())),
              component,
              judging));
    }
    return outcomes;
  }

  private List<ComponentOutcome> askPortion(
      List<Question> questions, RemoteComponent component, Judging judging) {
    ScoreResponse answer;
    try {
      answer =
          RewardServiceGrpc.newBlockingStub(channel.channel())
              .score(request(questions, component, judging));
    } catch (StatusRuntimeException e) {
      return all(questions, fault(e));
    }
    if (answer.getResultsCount() != questions.size()) {
      return all(
          questions,
          broken(
              "%,d results (expected: %,d)".formatted(answer.getResultsCount(), questions.size())));
    }
    ModelVersion by = answer.getModelVersion();
    if (!component.sha256().isEmpty() && !component.sha256().equals(by.getWeightsSha256())) {
      return all(
          questions,
          broken(
              "%s/%s has weights %s (expected: %s)"
                  .formatted(
                      by.getModel(), by.getVersion(), by.getWeightsSha256(), component.sha256())));
    }
    String detail = by.getModel() + "/" + by.getVersion();
    return answer.getResultsList().stream().map(result -> outcome(result, detail)).toList();
  }

  private static ScoreRequest request(
      List<Question> questions, RemoteComponent component, Judging judging) {
    ModelSelector.Builder model = ModelSelector.newBuilder().setModel(component.model());
    if (!component.version().isEmpty()) {
      model.setVersion(component.version());
    }
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(
                RequestMetadata.newBuilder()
                    .setPriority(
                        switch (judging.command().lane()) {
                          case INTERACTIVE -> Priority.PRIORITY_INTERACTIVE;
                          case TRAINER -> Priority.PRIORITY_TRAINER;
                          case BATCH -> Priority.PRIORITY_BATCH;
                        }))
            .setRewardModel(model)
            .setBypassCache(judging.command().anew())
            .setTruncation(
                switch (judging.command().truncation()) {
                  case REFUSE -> Truncation.TRUNCATION_UNSPECIFIED;
                  case KEEP_LAST -> Truncation.TRUNCATION_KEEP_LAST;
                  case KEEP_FIRST -> Truncation.TRUNCATION_KEEP_FIRST;
                });
    for (Question question : questions) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(TextOrTokens.newBuilder().setText(question.prompt()))
              .setCompletion(TextOrTokens.newBuilder().setText(question.completion()))
              .putAllReferences(question.candidate().item().references()));
    }
    return request.build();
  }

  private ComponentOutcome outcome(ScoreResult result, String detail) {
    return switch (result.getOutcomeCase()) {
      case VALUE ->
          Double.isFinite(result.getValue())
              ? new ComponentOutcome.Value(result.getValue(), detail)
              : new ComponentOutcome.Failed(
                  broken("value %s (expected: finite)".formatted(result.getValue())));
      case FAILURE ->
          new ComponentOutcome.Failed(
              new ItemFault(
                  switch (result.getFailure().getReason()) {
                    case FAILURE_REASON_INVALID_INPUT -> ItemFault.Reason.INVALID_INPUT;
                    case FAILURE_REASON_TOO_LONG -> ItemFault.Reason.TOO_LONG;
                    case FAILURE_REASON_DEADLINE -> ItemFault.Reason.DEADLINE;
                    case FAILURE_REASON_OVERLOADED -> ItemFault.Reason.OVERLOADED;
                    case FAILURE_REASON_QUORUM_LOST -> ItemFault.Reason.QUORUM_LOST;
                    case FAILURE_REASON_CANCELLED -> ItemFault.Reason.CANCELLED;
                    case FAILURE_REASON_MODEL_ERROR, FAILURE_REASON_UNSPECIFIED, UNRECOGNIZED ->
                        ItemFault.Reason.MODEL_ERROR;
                  },
                  name + ": " + result.getFailure().getMessage()));
      case OUTCOME_NOT_SET ->
          new ComponentOutcome.Failed(broken("a result with neither value nor failure"));
    };
  }

  private ItemFault fault(StatusRuntimeException e) {
    if (e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED) {
      return new ItemFault(ItemFault.Reason.DEADLINE, name + ": no answer in time");
    }
    return switch (PeerFaults.translate(e, name)) {
      case MeshException known ->
          new ItemFault(
              known.fault() == Fault.OVERLOADED
                  ? ItemFault.Reason.OVERLOADED
                  : ItemFault.Reason.MODEL_ERROR,
              String.valueOf(known.getMessage()));
      case RuntimeException ended ->
          new ItemFault(ItemFault.Reason.CANCELLED, name + ": " + ended.getMessage());
    };
  }

  private ItemFault broken(String why) {
    return new ItemFault(ItemFault.Reason.MODEL_ERROR, name + ": " + why);
  }

  private static List<ComponentOutcome> all(List<Question> questions, ItemFault fault) {
    ComponentOutcome failed = new ComponentOutcome.Failed(fault);
    return questions.stream().map(each -> failed).toList();
  }

  @Override
  public void close() {
    channel.close();
  }
}
