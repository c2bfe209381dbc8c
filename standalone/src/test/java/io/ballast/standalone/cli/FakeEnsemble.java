package io.ballast.standalone.cli;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.GetGoldenScoresRequest;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardComponent;
import io.ballast.reward.v1.RewardComposite;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceImplBase;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.rl.aggregation.ScoreAggregator;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An ensemble, honest or not. Two members; member k says the completion's length times k + 1, on a
 * scale of k and 2.
 */
final class FakeEnsemble extends RewardServiceImplBase {
  /** What a server may do wrong, and the look that must find it. */
  enum Lie {
    AN_ITEM_IS_NOT_ANSWERED("ensemble"),
    OTHER_WEIGHTS("golden scores"),
    ANOTHER_SCORE_EACH_TIME("determinism"),
    SCORES_BY_BATCH("company"),
    SCORES_BY_PLACE("company"),
    ANOTHER_SCORE_IN_A_STREAM("stream"),
    AN_ITEM_IS_NOT_STREAMED("stream"),
    UNSCALED("normalisation"),
    THE_MEAN_FOR_THE_WORST("aggregation"),
    ZERO_FOR_WHAT_FAILED("failures"),
    A_BAD_ITEM_SPOILS_ANOTHER("failures");

    final String finding;

    Lie(String finding) {
      this.finding = finding;
    }
  }

  private static final ModelVersion MODEL =
      ModelVersion.newBuilder()
          .setModel("taste")
          .setVersion("3")
          .setWeightsSha256("ab".repeat(32))
          .build();

  private final @Nullable Lie lie;
  volatile boolean golden = true;
  volatile boolean silent;
  volatile boolean composite;
  volatile boolean tokensOnly;
  volatile boolean goldenLost;
  volatile boolean unknown;
  volatile int room = 65_536; // characters that member 1 reads of a completion
  private int calls;

  /** What it ends every call for scores with; null: an answer. */
  volatile @Nullable StatusRuntimeException failure;

  FakeEnsemble(@Nullable Lie lie) {
    this.lie = lie;
  }

  @Override
  public void listRewardModels(
      ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
    RewardEnsemble.Builder ensemble =
        RewardEnsemble.newBuilder().setModelVersion(MODEL).setHeldOutAccuracy(0.7);
    for (int k = 0; k < 2; k++) {
      ensemble.addMembers(RewardMember.newBuilder().setScoreMean(k).setScoreStd(2));
    }
    RewardComposite.Builder composed = RewardComposite.newBuilder().setModelVersion(MODEL);
    for (String kind : List.of("learned", "length")) {
      composed.addComponents(
          RewardComponent.newBuilder()
              .setKind(kind)
              .setSettingsJson("{\"model\": \"java-reward\", \"version\": \"1\"}"));
    }
    answer(
        observer,
        ListRewardModelsResponse.newBuilder()
            .addEnsembles(ensemble)
            .addComposites(composed)
            .addAllowedAggregations(AggregationMethod.AGGREGATION_METHOD_WCO)
            .addAllowedAggregations(AggregationMethod.AGGREGATION_METHOD_MEAN)
            .build());
  }

  @Override
  public void getGoldenScores(
      GetGoldenScoresRequest request, StreamObserver<GetGoldenScoresResponse> observer) {
    if (goldenLost) {
      observer.onError(
          Status.DATA_LOSS
              .withDescription("taste/3/golden.json: SHA-256 differs")
              .asRuntimeException());
      return;
    }
    GetGoldenScoresResponse.Builder response =
        GetGoldenScoresResponse.newBuilder().setModelVersion(MODEL);
    if (golden) {
      response
          .setTolerance(1e-3)
          .addItems(
              GoldenScore.newBuilder()
                  .setItem(ScoreItem.newBuilder().setPrompt(tokens(7)).setCompletion(tokens(1, 2)))
                  .addRawScores(lie == Lie.OTHER_WEIGHTS ? 2.1 : 2)
                  .addRawScores(4));
    }
    answer(observer, response.build());
  }

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    StatusRuntimeException failed = failure;
    if (failed != null) {
      observer.onError(failed);
      return;
    }
    if (unknown) {
      observer.onError(Status.NOT_FOUND.asRuntimeException());
      return;
    }
    calls++;
    boolean worst =
        request.getAggregation().getMethod() != AggregationMethod.AGGREGATION_METHOD_MEAN;
    ScoreResponse.Builder response =
        ScoreResponse.newBuilder()
            .setModelVersion(MODEL)
            .setQuorum(2)
            .setAggregation(
                Aggregation.newBuilder()
                    .setMethod(
                        worst
                            ? AggregationMethod.AGGREGATION_METHOD_WCO
                            : AggregationMethod.AGGREGATION_METHOD_MEAN));
    boolean spoiled =
        lie == Lie.A_BAD_ITEM_SPOILS_ANOTHER
            && request.getItemsList().stream().anyMatch(item -> length(item) == 0);
    int answered = request.getItemsCount() - (lie == Lie.AN_ITEM_IS_NOT_ANSWERED ? 1 : 0);
    for (int i = 0; i < answered; i++) {
      double off = spoiled ? 1 : off(request.getItemsCount(), i);
      response.addResults(result(request.getItems(i), worst, off));
    }
    if (composite) {
      response.clearAggregation();
    }
    answer(observer, response.build());
  }

  private double off(int items, int place) {
    return switch (lie) {
      case ANOTHER_SCORE_EACH_TIME -> calls * 1e-3;
      case SCORES_BY_BATCH -> items > 60 ? 1e-3 : 0;
      case SCORES_BY_PLACE -> place == 63 ? 1e-3 : 0;
      case null, default -> 0;
    };
  }

  private ScoreResult result(ScoreItem item, boolean worst, double off) {
    ScoreResult.Builder result = ScoreResult.newBuilder().setItemId(item.getItemId());
    int length = tokensOnly && !item.getCompletion().hasTokens() ? 0 : length(item);
    if (length == 0 || length > 65_536) {
      return lie == Lie.ZERO_FOR_WHAT_FAILED
          ? result.setValue(0).build()
          : result
              .setFailure(
                  ItemFailure.newBuilder()
                      .setReason(
                          length == 0
                              ? FailureReason.FAILURE_REASON_INVALID_INPUT
                              : FailureReason.FAILURE_REASON_TOO_LONG))
              .build();
    }
    if (length > room) {
      return result
          .setFailure(ItemFailure.newBuilder().setReason(FailureReason.FAILURE_REASON_QUORUM_LOST))
          .addMembers(MemberScore.newBuilder().setRawScore(length))
          .addMembers(
              MemberScore.newBuilder()
                  .setModelVersion(ModelVersion.newBuilder().setModel("judge-1").setVersion("3"))
                  .setFailure(
                      ItemFailure.newBuilder().setReason(FailureReason.FAILURE_REASON_TOO_LONG)))
          .build();
    }
    double[] normalised = new double[silent ? 1 : 2];
    if (silent) {
      result.addMembers(
          MemberScore.newBuilder()
              .setFailure(
                  ItemFailure.newBuilder().setReason(FailureReason.FAILURE_REASON_MODEL_ERROR)));
    }
    for (int k = 0; k < normalised.length; k++) {
      double raw = length * (k + 1.0) + off;
      normalised[k] = lie == Lie.UNSCALED ? raw : (raw - k) / 2;
      result.addMembers(
          MemberScore.newBuilder().setRawScore(raw).setNormalisedScore(normalised[k]));
    }
    ScoreAggregator aggregator =
        worst && lie != Lie.THE_MEAN_FOR_THE_WORST
            ? ScoreAggregator.worstCase()
            : ScoreAggregator.mean();
    return result
        .setValue(aggregator.aggregate(normalised))
        .setSpread(ScoreAggregator.spread(normalised))
        .build();
  }

  private static TextOrTokens tokens(Integer... ids) {
    return TextOrTokens.newBuilder()
        .setTokens(TokenSequence.newBuilder().addAllTokenIds(List.of(ids)))
        .build();
  }

  private static int length(ScoreItem item) {
    TextOrTokens completion = item.getCompletion();
    return completion.hasTokens()
        ? completion.getTokens().getTokenIdsCount()
        : completion.getText().length();
  }

  @Override
  public StreamObserver<ScoreStreamRequest> scoreStream(
      StreamObserver<ScoreStreamResponse> observer) {
    return new StreamObserver<>() {
      @Override
      public void onNext(ScoreStreamRequest request) {
        if (lie != Lie.AN_ITEM_IS_NOT_STREAMED || !request.getItem().getItemId().endsWith("3")) {
          double off = lie == Lie.ANOTHER_SCORE_IN_A_STREAM ? 1e-3 : 0;
          observer.onNext(
              ScoreStreamResponse.newBuilder()
                  .setResult(result(request.getItem(), true, off))
                  .build());
        }
      }

      @Override
      public void onError(Throwable error) {}

      @Override
      public void onCompleted() {
        observer.onCompleted();
      }
    };
  }

  private static <T> void answer(StreamObserver<T> observer, T response) {
    observer.onNext(response);
    observer.onCompleted();
  }
}
