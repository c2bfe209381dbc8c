package io.ballast.reward.adapter;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.PeerChannel;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
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
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;

/**
 * The Score of another RewardService. The caller's deadline and request id travel with it, and a
 * call ends when nobody waits for it any more; the channel asks the breaker.
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
    return RemotePortions.ask(
        name,
        questions,
        settings.batchItems(),
        judging.patience(),
        portion -> askPortion(portion, component, judging));
  }

  private List<ComponentOutcome> askPortion(
      List<Question> questions, RemoteComponent component, Judging judging) {
    ScoreRequest request = request(questions, component, judging);
    ScoreResponse answer;
    Context.CancellableContext call = Context.current().withCancellation();
    judging.patience().onCancel(() -> call.cancel(null));
    Context before = call.attach();
    try {
      answer = RewardServiceGrpc.newBlockingStub(channel.channel()).score(request);
    } catch (StatusRuntimeException e) {
      return RemotePortions.all(questions, fault(e, questions.size()));
    } finally {
      call.detach(before);
      call.cancel(null);
    }
    if (answer.getResultsCount() != questions.size()) {
      return RemotePortions.all(
          questions,
          broken(
              "%,d results (expected: %,d)".formatted(answer.getResultsCount(), questions.size())));
    }
    ModelVersion by = answer.getModelVersion();
    if (!component.sha256().isEmpty() && !component.sha256().equals(by.getWeightsSha256())) {
      return RemotePortions.all(
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
                    .setPriority(MeshMessages.priority(judging.command().lane())))
            .setRewardModel(model)
            .setBypassCache(judging.command().anew())
            .setTruncation(MeshMessages.truncation(judging.command().truncation()));
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
                  MeshMessages.reason(result.getFailure().getReason()),
                  name + ": " + result.getFailure().getMessage()));
      case OUTCOME_NOT_SET ->
          new ComponentOutcome.Failed(broken("a result with neither value nor failure"));
    };
  }

  private ItemFault fault(StatusRuntimeException e, int items) {
    if (e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED) {
      return new ItemFault(ItemFault.Reason.DEADLINE, name + ": no answer in time");
    }
    if (PeerFaults.tooLarge(e.getStatus())) {
      String words = String.valueOf(e.getStatus().getDescription());
      return broken(items == 1 ? words : RemotePortions.smaller(words, items));
    }
    return switch (PeerFaults.translate(e, name)) {
      case MeshException known ->
          new ItemFault(
              known.fault() == Fault.OVERLOADED
                  ? ItemFault.Reason.OVERLOADED
                  : ItemFault.Reason.MODEL_ERROR,
              String.valueOf(known.getMessage()));
      case RuntimeException ended ->
          new ItemFault(
              Status.fromThrowable(ended).getCode() == Status.Code.DEADLINE_EXCEEDED
                  ? ItemFault.Reason.DEADLINE
                  : ItemFault.Reason.CANCELLED,
              name + ": " + ended.getMessage());
    };
  }

  private ItemFault broken(String why) {
    return new ItemFault(ItemFault.Reason.MODEL_ERROR, name + ": " + why);
  }

  @Override
  public void close() {
    channel.close();
  }
}
