package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.RewardObjective;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceImplBase;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.standalone.cli.Finding.Health;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Members' raw scores must be the sums of what the objectives' heads say. */
class ScoreArithmeticTest {
  private static final int MEMBERS = 2;

  /** What a server says of its objectives, and how the finding begins. */
  enum Saying {
    THE_SUMS("6 raw scores are the sums of 1.0·love + -0.5·cost"),
    NOTHING_OF_OBJECTIVES(""),
    ANOTHER_SUM("x, member 0: "),
    AN_OBJECTIVE_UNSCALED("x, cost, member 0: 1.0 (expected: (1.0 - 1.0)/0.5 = 0.0)"),
    ANOTHER_WEIGHT("x: objectives [love 1.0, cost 0.5] (expected: [love 1.0, cost -0.5], as"),
    ONE_OBJECTIVE_LESS("x: objectives [love 1.0] (expected: [love 1.0, cost -0.5], as"),
    ONE_MEMBER_LESS("x: an objective of other members (expected: 2)"),
    NO_MEMBER("no member said a number");

    private final String detail;

    Saying(String detail) {
      this.detail = detail;
    }
  }

  @Test
  void sumsOfTheObjectivesAreBelieved() throws IOException {
    assertThat(findings(Saying.THE_SUMS))
        .singleElement()
        .isEqualTo(Finding.good("objectives", Saying.THE_SUMS.detail));
  }

  @Test
  void anEnsembleByOneObjectiveIsNotAsked() throws IOException {
    assertThat(findings(Saying.NOTHING_OF_OBJECTIVES)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"THE_SUMS", "NOTHING_OF_OBJECTIVES"})
  void whateverElseIsSaidIsFound(Saying saying) throws IOException {
    assertThat(findings(saying))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.subject()).isEqualTo("objectives");
              assertThat(finding.health()).isEqualTo(Health.BROKEN);
              assertThat(finding.detail()).startsWith(saying.detail);
            });
  }

  private static List<Finding> findings(Saying saying) throws IOException {
    String name = InProcessServerBuilder.generateName();
    Server server =
        InProcessServerBuilder.forName(name).addService(new Rewards(saying)).build().start();
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    try {
      RewardProbe probe =
          new RewardProbe(
              channel,
              RequestMetadata.getDefaultInstance(),
              ModelSelector.getDefaultInstance(),
              Duration.ofMinutes(1));
      List<ScoreItem> items =
          Stream.of("x", "xyz", "x = 12345;")
              .map(
                  text ->
                      ScoreItem.newBuilder()
                          .setItemId(text)
                          .setCompletion(TextOrTokens.newBuilder().setText(text))
                          .build())
              .toList();
      return new ScoreArithmetic(probe, items, 1e-5).objectives();
    } finally {
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  /**
   * Of a completion of n characters member k says n · (k + 1) by love, on a scale of k and 2, and n
   * + k by cost, on a scale of 1 and 1/2.
   */
  private static final class Rewards extends RewardServiceImplBase {
    private static final ModelVersion MODEL =
        ModelVersion.newBuilder().setModel("taste").setVersion("3").build();

    private final Saying saying;

    private Rewards(Saying saying) {
      this.saying = saying;
    }

    @Override
    public void listRewardModels(
        ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
      RewardEnsemble.Builder ensemble = RewardEnsemble.newBuilder().setModelVersion(MODEL);
      RewardObjective.Builder love = RewardObjective.newBuilder().setName("love").setWeight(1);
      RewardObjective.Builder cost = RewardObjective.newBuilder().setName("cost").setWeight(-0.5);
      for (int k = 0; k < MEMBERS; k++) {
        love.addMembers(RewardMember.newBuilder().setScoreMean(k).setScoreStd(2));
        cost.addMembers(RewardMember.newBuilder().setScoreMean(1).setScoreStd(0.5));
      }
      if (saying != Saying.NOTHING_OF_OBJECTIVES) {
        ensemble.addObjectives(love).addObjectives(cost);
      }
      observer.onNext(ListRewardModelsResponse.newBuilder().addEnsembles(ensemble).build());
      observer.onCompleted();
    }

    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      ScoreResponse.Builder response = ScoreResponse.newBuilder().setModelVersion(MODEL);
      request.getItemsList().forEach(item -> response.addResults(result(item)));
      observer.onNext(response.build());
      observer.onCompleted();
    }

    private ScoreResult result(ScoreItem item) {
      int length = item.getCompletion().getText().length();
      ScoreResult.Builder result = ScoreResult.newBuilder().setItemId(item.getItemId());
      ComponentScore.Builder love = ComponentScore.newBuilder().setName("love").setWeight(1);
      ComponentScore.Builder cost =
          ComponentScore.newBuilder()
              .setName("cost")
              .setWeight(saying == Saying.ANOTHER_WEIGHT ? 0.5 : -0.5);
      for (int k = 0; k < MEMBERS; k++) {
        double byLove = (length * (k + 1) - k) / 2.0;
        double byCost = (length + k - 1) / 0.5;
        love.addMembers(score(length * (k + 1), byLove));
        cost.addMembers(
            score(length + k, saying == Saying.AN_OBJECTIVE_UNSCALED ? length + k : byCost));
        result.addMembers(
            saying == Saying.NO_MEMBER
                ? MemberScore.newBuilder().setFailure(ItemFailure.getDefaultInstance()).build()
                : score((float) (byLove - 0.5 * byCost) + off(), 0));
      }
      if (saying == Saying.ONE_MEMBER_LESS) {
        cost.removeMembers(1);
      }
      result.addComponents(love);
      return saying == Saying.ONE_OBJECTIVE_LESS
          ? result.build()
          : result.addComponents(cost).build();
    }

    private double off() {
      return saying == Saying.ANOTHER_SUM ? 1e-2 : 0;
    }

    private static MemberScore score(double raw, double normalised) {
      return MemberScore.newBuilder().setRawScore(raw).setNormalisedScore(normalised).build();
    }
  }
}
