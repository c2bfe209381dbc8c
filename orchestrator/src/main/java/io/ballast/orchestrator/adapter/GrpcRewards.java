package io.ballast.orchestrator.adapter;

import io.ballast.mesh.v1.Truncation;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.ComponentOracle;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;

/** Rewards by the reward-server's Score. */
public final class GrpcRewards implements RewardOracle, ComponentOracle {
  static final int ITEMS_A_CALL = 512;
  static final int CHARACTERS_A_CALL = 2 << 20;

  /** The field of a request and the key of a spec, in messages of both. */
  static final String AGGREGATION = "aggregation";

  private final RewardServiceGrpc.RewardServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout of one call
   */
  public GrpcRewards(Channel rewardServer, Duration timeout) {
    this.stub = RewardServiceGrpc.newBlockingStub(rewardServer);
    this.timeout = timeout;
  }

  @Override
  public List<Outcome> score(String tenant, RewardSpec spec, List<Judgeable> items) {
    List<Outcome> outcomes = new ArrayList<>();
    for (List<Judgeable> portion :
        Portions.of(items, ITEMS_A_CALL, CHARACTERS_A_CALL, GrpcRewards::characters)) {
      outcomes.addAll(scorePortion(tenant, spec, portion));
    }
    return outcomes;
  }

  @Override
  public List<OptionalDouble> values(
      String tenant, ModelRef composite, String component, List<Judgeable> items) {
    RewardSpec spec = RewardSpec.composite(composite);
    List<OptionalDouble> values = new ArrayList<>();
    for (List<Judgeable> portion :
        Portions.of(items, ITEMS_A_CALL, CHARACTERS_A_CALL, GrpcRewards::characters)) {
      answer(tenant, spec, portion).getResultsList().stream()
          .map(result -> value(result, component))
          .forEach(values::add);
    }
    return values;
  }

  private static OptionalDouble value(ScoreResult result, String component) {
    return result.getComponentsList().stream()
        .filter(each -> each.getName().equals(component))
        .filter(each -> each.hasValue() && Double.isFinite(each.getValue()))
        .mapToDouble(ComponentScore::getValue)
        .findFirst();
  }

  static int characters(Judgeable item) {
    return item.prompt().length() + item.completion().text().length();
  }

  private List<Outcome> scorePortion(String tenant, RewardSpec spec, List<Judgeable> items) {
    return answer(tenant, spec, items).getResultsList().stream().map(GrpcRewards::outcome).toList();
  }

  private ScoreResponse answer(String tenant, RewardSpec spec, List<Judgeable> items) {
    ScoreRequest.Builder request = request(tenant, spec);
    for (Judgeable item : items) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(PeerCalls.text(item.prompt()))
              .setCompletion(PeerCalls.completion(item.completion())));
    }
    ScoreResponse answer =
        PeerCalls.call(
            PeerCalls.REWARD_SERVER,
            () ->
                stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .score(request.build()));
    if (answer.getResultsCount() != items.size()) {
      throw PeerCalls.broken(
          PeerCalls.REWARD_SERVER,
          "%d results for %d items".formatted(answer.getResultsCount(), items.size()));
    }
    requireAsAsked(AGGREGATION, spec, answer);
    return answer;
  }

  /** A request without items. */
  static ScoreRequest.Builder request(String tenant, RewardSpec spec) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(PeerCalls.metadata(tenant))
            .setRewardModel(PeerCalls.selector(spec.model()))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    if (spec.aggregation() != null) {
      request.setAggregation(
          Aggregation.newBuilder()
              .setMethod(method(spec.aggregation()))
              .setUwoLambda(spec.uwoLambda())
              .setQuantile(spec.quantile()));
    }
    return request;
  }

  /**
   * Refuses what an ensemble answered where nothing was said of how it should: its server's own way
   * stands in no spec, and may change while the run goes on.
   *
   * @param key what the aggregation is called in messages
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming {@code key}
   */
  static void requireAsAsked(String key, RewardSpec spec, ScoreResponse answer) {
    if (spec.aggregation() == null && answer.hasAggregation()) {
      throw Faults.malformed(
          key,
          "NONE (expected: how its members become one reward, such as WORST_CASE; %s is an ensemble)"
              .formatted(spec.model()));
    }
  }

  private static AggregationMethod method(io.ballast.rl.aggregation.AggregationMethod method) {
    return switch (method) {
      case MEAN -> AggregationMethod.AGGREGATION_METHOD_MEAN;
      case WORST_CASE -> AggregationMethod.AGGREGATION_METHOD_WCO;
      case UNCERTAINTY_WEIGHTED -> AggregationMethod.AGGREGATION_METHOD_UWO;
      case MEDIAN -> AggregationMethod.AGGREGATION_METHOD_MEDIAN;
      case LOWER_QUANTILE -> AggregationMethod.AGGREGATION_METHOD_LOWER_QUANTILE;
      case UNCERTAINTY_WEIGHTED_SAMPLE -> AggregationMethod.AGGREGATION_METHOD_UWO_SAMPLE;
    };
  }

  static Outcome outcome(ScoreResult result) {
    return switch (result.getOutcomeCase()) {
      case VALUE ->
          Double.isFinite(result.getValue()) && Double.isFinite(result.getSpread())
              ? new Outcome.Value(result.getValue(), spread(result))
              : new Outcome.Missing("a reward that is not finite");
      case FAILURE -> new Outcome.Missing(PeerCalls.words(result.getFailure()));
      case OUTCOME_NOT_SET -> new Outcome.Missing("a result without an outcome");
    };
  }

  private static OptionalDouble spread(ScoreResult result) {
    return result.hasSpread() ? OptionalDouble.of(result.getSpread()) : OptionalDouble.empty();
  }
}
