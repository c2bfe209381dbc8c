package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.standalone.demo.mesh.ChildMesh;
import io.ballast.training.reward.RewardPublisher;
import io.ballast.training.reward.RewardTraining;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A reward-server in a process of its own that serves the ensembles which were trained here, and is
 * asked over gRPC on the loopback as any trainer asks. Safe for use by many threads.
 */
final class RewardMesh implements AutoCloseable {
  private static final String MODEL = "experiment-reward";
  private static final long SECONDS = 120;

  private final ChildMesh mesh;
  private final AtomicLong calls = new AtomicLong();
  private final AtomicLong items = new AtomicLong();

  private RewardMesh(ChildMesh mesh) {
    this.mesh = mesh;
  }

  /**
   * Publishes ensembles into a fresh data folder and starts a mesh that serves them.
   *
   * @param home the built checkout
   * @param data the folder, whose content is deleted first
   */
  static RewardMesh serving(
      Path home, Path data, Path work, StoredModel trunk, List<TrainedEnsemble> ensembles)
      throws IOException {
    ModelStore.deleteAll(data);
    RewardPublisher publisher =
        new RewardPublisher(new ModelStore(data.resolve("models")), work.resolve("onnx"));
    for (TrainedEnsemble ensemble : ensembles) {
      publisher.publish(
          MODEL,
          ensemble.version(),
          new RewardTraining.Trained(
              ensemble.model(),
              trunk,
              Map.of("labels flipped on purpose", Double.toString(ensemble.flips())),
              ensemble.golden(),
              List.of()),
          "./mesh experiment ensembles");
    }
    ChildMesh mesh = ChildMesh.launch(home, data, false, Map.of("ballast.roles", "reward"));
    try {
      mesh.awaitReady();
      return new RewardMesh(mesh);
    } catch (IOException | RuntimeException e) {
      mesh.close();
      throw e;
    }
  }

  /**
   * Asks Score.
   *
   * @param single which member is the single one; its score is taken from the answer's members
   * @return in the order of the items; nothing where an item failed
   */
  List<Optional<Rewards.Reward>> score(
      TrainedEnsemble ensemble, Aggregate aggregate, int single, List<Rewards.Item> asked) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(
                RequestMetadata.newBuilder()
                    .setTenant("experiment")
                    .setPriority(Priority.PRIORITY_TRAINER))
            .setRewardModel(
                ModelSelector.newBuilder().setModel(MODEL).setVersion(ensemble.version()))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST)
            .setAggregation(aggregation(aggregate));
    for (Rewards.Item item : asked) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(content(item.prompt()))
              .setCompletion(content(item.completion())));
    }
    ScoreResponse answer =
        RewardServiceGrpc.newBlockingStub(mesh.channel())
            .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
            .score(request.build());
    calls.incrementAndGet();
    items.addAndGet(asked.size());
    List<Optional<Rewards.Reward>> rewards = new ArrayList<>();
    for (ScoreResult result : answer.getResultsList()) {
      rewards.add(
          result.hasValue()
                  && result.getMembersList().stream().allMatch(MemberScore::hasNormalisedScore)
              ? Optional.of(reward(result, aggregate, single))
              : Optional.empty());
    }
    return rewards;
  }

  private static Rewards.Reward reward(ScoreResult result, Aggregate aggregate, int single) {
    List<Double> members =
        result.getMembersList().stream().map(MemberScore::getNormalisedScore).toList();
    return new Rewards.Reward(
        aggregate == Aggregate.SINGLE ? members.get(single) : result.getValue(), members);
  }

  private static Aggregation aggregation(Aggregate aggregate) {
    return switch (aggregate) {
      case SINGLE, MEAN ->
          Aggregation.newBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_MEAN).build();
      case UWO ->
          Aggregation.newBuilder()
              .setMethod(AggregationMethod.AGGREGATION_METHOD_UWO)
              .setUwoLambda(Aggregate.UWO_LAMBDA)
              .build();
      case WCO ->
          Aggregation.newBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_WCO).build();
    };
  }

  private static TextOrTokens content(TokenIds tokens) {
    TokenSequence.Builder sequence = TokenSequence.newBuilder();
    for (int i = 0; i < tokens.size(); i++) {
      sequence.addTokenIds(tokens.get(i));
    }
    return TextOrTokens.newBuilder().setTokens(sequence).build();
  }

  /** How many calls of Score were answered. */
  long calls() {
    return calls.get();
  }

  /** How many completions they were about. */
  long items() {
    return items.get();
  }

  /** The processor time that the server has had; empty if the system does not tell. */
  Optional<Duration> cpuTime() {
    return mesh.cpuTime();
  }

  @Override
  public void close() {
    mesh.close();
  }
}
