package io.ballast.standalone.cli;

import io.ballast.kit.call.Texts;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.GetGoldenScoresRequest;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingV2Stub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Asks one ensemble of a live server. Prompts that are too long are cut as they were when golden
 * scores were published: their last tokens are kept.
 */
final class RewardProbe {
  private static final Truncation TRUNCATION = Truncation.TRUNCATION_KEEP_LAST;

  private final Channel channel;
  private final RequestMetadata metadata;
  private final ModelSelector model;
  private final Duration timeout;

  /**
   * @param timeout of each call
   */
  RewardProbe(Channel channel, RequestMetadata metadata, ModelSelector model, Duration timeout) {
    this.channel = channel;
    this.metadata = metadata;
    this.model = model;
    this.timeout = timeout;
  }

  private RewardServiceBlockingStub stub() {
    return RewardServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  ListRewardModelsResponse list() {
    return stub()
        .listRewardModels(ListRewardModelsRequest.newBuilder().setMetadata(metadata).build());
  }

  /** What the list says of an ensemble; empty if it is not there. */
  Optional<RewardEnsemble> listed(ModelVersion version) {
    return list().getEnsemblesList().stream()
        .filter(each -> each.getModelVersion().equals(version))
        .findFirst();
  }

  GetGoldenScoresResponse golden() {
    return stub()
        .getGoldenScores(
            GetGoldenScoresRequest.newBuilder()
                .setMetadata(metadata)
                .setRewardModel(model)
                .build());
  }

  /**
   * Scores items, computed anew, not remembered.
   *
   * @throws io.grpc.StatusRuntimeException INTERNAL, too, if there is not a result for each
   */
  ScoreResponse score(List<ScoreItem> items, Aggregation aggregation) {
    ScoreResponse answer =
        stub()
            .score(
                ScoreRequest.newBuilder()
                    .setMetadata(metadata)
                    .setRewardModel(model)
                    .setAggregation(aggregation)
                    .setTruncation(TRUNCATION)
                    .setBypassCache(true)
                    .addAllItems(items)
                    .build());
    if (answer.getResultsCount() != items.size()) {
      throw Status.INTERNAL
          .withDescription(
              "%s asked for, %s given"
                  .formatted(
                      Texts.counted(items.size(), "item"),
                      Texts.counted(answer.getResultsCount(), "result")))
          .asRuntimeException();
    }
    return answer;
  }

  /** The same through a stream, by item id. */
  Map<String, ScoreResult> stream(List<ScoreItem> items) {
    RewardServiceBlockingV2Stub streaming =
        RewardServiceGrpc.newBlockingV2Stub(channel)
            .withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
    BlockingClientCall<ScoreStreamRequest, ScoreStreamResponse> call = streaming.scoreStream();
    Map<String, ScoreResult> results = new HashMap<>();
    try {
      ScoreStreamRequest.Builder first =
          ScoreStreamRequest.newBuilder()
              .setMetadata(metadata)
              .setRewardModel(model)
              .setTruncation(TRUNCATION)
              .setBypassCache(true);
      for (ScoreItem item : items) {
        call.write(first.setItem(item).build());
        first = ScoreStreamRequest.newBuilder();
      }
      call.halfClose();
      for (ScoreStreamResponse answer = call.read(); answer != null; answer = call.read()) {
        results.put(answer.getResult().getItemId(), answer.getResult());
      }
      return results;
    } catch (StatusException e) {
      throw e.getStatus().asRuntimeException(e.getTrailers());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailure(Exit.FAILED, "INTERRUPTED", "interrupted");
    }
  }
}
