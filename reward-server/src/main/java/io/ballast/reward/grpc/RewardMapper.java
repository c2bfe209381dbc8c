package io.ballast.reward.grpc;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.Content;
import io.ballast.inference.scoring.KeptScores;
import io.ballast.kit.call.Caller;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.Comparison;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.Member;
import io.ballast.reward.core.MemberJudgement;
import io.ballast.reward.core.MemberOutcome;
import io.ballast.reward.core.Objective;
import io.ballast.reward.core.Reward;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.core.ScoredBy;
import io.ballast.reward.core.ScoredItem;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.MemberPreference;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.ProbabilityAbsence;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.RewardObjective;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.rl.aggregation.ScoreAggregator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Translates the reward API. */
public final class RewardMapper {
  private final Function<RequestMetadata, RequestContext> contexts;

  /**
   * @param contexts validates metadata and fills in defaults
   */
  public RewardMapper(Function<RequestMetadata, RequestContext> contexts) {
    this.contexts = contexts;
  }

  /** Who makes a request; to be asked once for each, since it counts them. */
  Caller caller(RequestMetadata metadata) {
    return MeshMessages.caller(contexts.apply(metadata));
  }

  ScoreCommand command(ScoreRequest request) {
    List<ScoreItem> items = new ArrayList<>(request.getItemsCount());
    for (int i = 0; i < request.getItemsCount(); i++) {
      items.add(item(request.getItems(i), "items[" + i + "]"));
    }
    Caller caller = caller(request.getMetadata());
    return new ScoreCommand(
        CallTenants.behalf(caller, request.getMetadata()),
        caller.lane(),
        MeshMessages.selector(request.getRewardModel()),
        choice(request.getAggregation()),
        MeshMessages.truncation(request.getTruncation()),
        request.getBypassCache(),
        items);
  }

  ScoreCommand command(CompareRequest request) {
    Content prompt = content(request.getPrompt());
    Caller caller = caller(request.getMetadata());
    return new ScoreCommand(
        CallTenants.behalf(caller, request.getMetadata()),
        caller.lane(),
        MeshMessages.selector(request.getRewardModel()),
        choice(request.getAggregation()),
        MeshMessages.truncation(request.getTruncation()),
        false,
        List.of(
            new ScoreItem(
                "a", "a", prompt, content(request.getCompletionA()), request.getReferencesMap()),
            new ScoreItem(
                "b", "b", prompt, content(request.getCompletionB()), request.getReferencesMap())));
  }

  static ScoreItem item(io.ballast.reward.v1.ScoreItem item, String path) {
    return new ScoreItem(
        item.getItemId(),
        path,
        content(item.getPrompt()),
        content(item.getCompletion()),
        item.getReferencesMap());
  }

  static AggregationChoice choice(Aggregation aggregation) {
    return new AggregationChoice(
        method(aggregation.getMethod()),
        aggregation.hasUwoLambda() ? aggregation.getUwoLambda() : null,
        aggregation.hasQuantile() ? aggregation.getQuantile() : null);
  }

  private static io.ballast.rl.aggregation.@Nullable AggregationMethod method(
      AggregationMethod method) {
    return switch (method) {
      case AGGREGATION_METHOD_UNSPECIFIED -> null;
      case AGGREGATION_METHOD_MEAN -> io.ballast.rl.aggregation.AggregationMethod.MEAN;
      case AGGREGATION_METHOD_WCO -> io.ballast.rl.aggregation.AggregationMethod.WORST_CASE;
      case AGGREGATION_METHOD_UWO ->
          io.ballast.rl.aggregation.AggregationMethod.UNCERTAINTY_WEIGHTED;
      case AGGREGATION_METHOD_MEDIAN -> io.ballast.rl.aggregation.AggregationMethod.MEDIAN;
      case AGGREGATION_METHOD_LOWER_QUANTILE ->
          io.ballast.rl.aggregation.AggregationMethod.LOWER_QUANTILE;
      case AGGREGATION_METHOD_UWO_SAMPLE ->
          io.ballast.rl.aggregation.AggregationMethod.UNCERTAINTY_WEIGHTED_SAMPLE;
      case UNRECOGNIZED ->
          throw new MeshException(
              Fault.MALFORMED_REQUEST,
              "aggregation.method: unknown (expected: MEAN, WCO, UWO, MEDIAN, LOWER_QUANTILE or"
                  + " UWO_SAMPLE)",
              Map.of("field", "aggregation.method"));
    };
  }

  static Content content(TextOrTokens content) {
    return switch (content.getContentCase()) {
      case TEXT -> new Content.Text(content.getText());
      case TOKENS ->
          new Content.Tokens(
              TokenIds.of(
                  content.getTokens().getTokenIdsList().stream()
                      .mapToInt(Integer::intValue)
                      .toArray()));
      case CONTENT_NOT_SET -> new Content.Absent();
    };
  }

  static GetGoldenScoresResponse golden(Ensemble ensemble, Optional<KeptScores> kept) {
    GetGoldenScoresResponse.Builder response =
        GetGoldenScoresResponse.newBuilder().setModelVersion(MeshMessages.version(ensemble.id()));
    kept.ifPresent(
        golden -> {
          response.setTolerance(golden.tolerance());
          for (KeptScores.Item item : golden.items()) {
            GoldenScore.Builder score =
                GoldenScore.newBuilder()
                    .setItem(
                        io.ballast.reward.v1.ScoreItem.newBuilder()
                            .setPrompt(content(item.prompt()))
                            .setCompletion(content(item.completion())))
                    .addAllRawScores(item.scores());
            if (item.prompt() instanceof Content.Tokens(TokenIds prompt)
                && item.completion() instanceof Content.Tokens(TokenIds completion)) {
              score.setPrompt(tokens(prompt)).setCompletion(tokens(completion));
            }
            response.addItems(score);
          }
        });
    return response.build();
  }

  static TextOrTokens content(Content content) {
    TextOrTokens.Builder built = TextOrTokens.newBuilder();
    return switch (content) {
      case Content.Text(String text) -> built.setText(text).build();
      case Content.Tokens(TokenIds tokens) -> built.setTokens(tokens(tokens)).build();
      case Content.Absent absent -> built.build();
    };
  }

  private static TokenSequence tokens(TokenIds tokens) {
    TokenSequence.Builder sequence = TokenSequence.newBuilder();
    for (int i = 0; i < tokens.size(); i++) {
      sequence.addTokenIds(tokens.get(i));
    }
    return sequence.build();
  }

  static ScoreResponse response(ScoreAnswer answer) {
    ScoreResponse.Builder response =
        ScoreResponse.newBuilder()
            .setModelVersion(MeshMessages.version(answer.by().id()))
            .setTiming(MeshMessages.timing(answer.times()));
    if (answer.by() instanceof ScoredBy.Members members) {
      response.setAggregation(aggregation(members.aggregation())).setQuorum(members.quorum());
    }
    for (ScoredItem item : answer.items()) {
      response.addResults(result(item, answer.by()));
      response.addSampleMask(item.reward() instanceof Reward.Value);
    }
    return response.build();
  }

  static ScoreStreamResponse streamed(ScoredItem item, ScoredBy by) {
    ScoreStreamResponse.Builder response =
        ScoreStreamResponse.newBuilder()
            .setResult(result(item, by))
            .setModelVersion(MeshMessages.version(by.id()));
    if (by instanceof ScoredBy.Members members) {
      response.setAggregation(aggregation(members.aggregation())).setQuorum(members.quorum());
    }
    return response.build();
  }

  static CompareResponse response(Comparison comparison) {
    ScoreAnswer answer = comparison.answer();
    CompareResponse.Builder response =
        CompareResponse.newBuilder()
            .addResults(result(comparison.a(), answer.by()))
            .addResults(result(comparison.b(), answer.by()))
            .setMembersPreferringA(comparison.preferringA())
            .setMembersCount(comparison.judgedBoth())
            .setModelVersion(MeshMessages.version(answer.by().id()));
    comparison.probabilityA().ifPresent(response::setProbabilityAPreferred);
    comparison.absence().ifPresent(why -> response.setProbabilityAbsence(absence(why)));
    comparison.probabilityByRewards().ifPresent(response::setProbabilityAPreferredByRewards);
    if (answer.by() instanceof ScoredBy.Members members) {
      response.setAggregation(aggregation(members.aggregation())).setQuorum(members.quorum());
      for (int k = 0; k < comparison.memberProbabilities().size(); k++) {
        MemberPreference.Builder member =
            response
                .addMemberPreferencesBuilder()
                .setModelVersion(MeshMessages.version(members.ensemble().members().get(k).id()));
        comparison.memberProbabilities().get(k).ifPresent(member::setProbabilityAPreferred);
      }
    }
    return response.build();
  }

  private static ScoreResult result(ScoredItem item, ScoredBy by) {
    ScoreResult.Builder result =
        ScoreResult.newBuilder()
            .setItemId(item.itemId())
            .setFromCache(item.fromCache())
            .setTiming(MeshMessages.timing(item.times()));
    switch (item.reward()) {
      case Reward.Value value -> {
        result.setValue(value.value());
        value.spread().ifPresent(result::setSpread);
      }
      case Reward.Failed failed -> result.setFailure(MeshMessages.failure(failed.fault()));
    }
    item.cut().ifPresent(cut -> result.setPromptCut(MeshMessages.cut(cut)));
    if (by instanceof ScoredBy.Members members) {
      for (int k = 0; k < item.members().size(); k++) {
        result.addMembers(member(item.members().get(k), members.ensemble().members().get(k)));
        result.addMemberMask(item.members().get(k).normalised().isPresent());
      }
    }
    item.components().forEach(each -> result.addComponents(ComponentMapper.score(each)));
    return result.build();
  }

  static MemberScore member(MemberJudgement judgement, Member member) {
    MemberScore.Builder score =
        MemberScore.newBuilder().setModelVersion(MeshMessages.version(member.id()));
    switch (judgement.outcome()) {
      case MemberOutcome.Raw raw -> score.setRawScore(raw.score());
      case MemberOutcome.Missing missing -> score.setFailure(MeshMessages.failure(missing.fault()));
    }
    judgement.normalised().ifPresent(score::setNormalisedScore);
    return score.build();
  }

  static Aggregation aggregation(ScoreAggregator aggregator) {
    Aggregation.Builder aggregation =
        Aggregation.newBuilder().setMethod(method(aggregator.method()));
    if (aggregator.method().weighsVariance()) {
      aggregation.setUwoLambda(aggregator.uncertaintyWeight());
    }
    if (aggregator.method() == io.ballast.rl.aggregation.AggregationMethod.LOWER_QUANTILE) {
      aggregation.setQuantile(aggregator.quantile());
    }
    return aggregation.build();
  }

  static AggregationMethod method(io.ballast.rl.aggregation.AggregationMethod method) {
    return switch (method) {
      case MEAN -> AggregationMethod.AGGREGATION_METHOD_MEAN;
      case WORST_CASE -> AggregationMethod.AGGREGATION_METHOD_WCO;
      case MEDIAN -> AggregationMethod.AGGREGATION_METHOD_MEDIAN;
      case LOWER_QUANTILE -> AggregationMethod.AGGREGATION_METHOD_LOWER_QUANTILE;
      case UNCERTAINTY_WEIGHTED -> AggregationMethod.AGGREGATION_METHOD_UWO;
      case UNCERTAINTY_WEIGHTED_SAMPLE -> AggregationMethod.AGGREGATION_METHOD_UWO_SAMPLE;
    };
  }

  /**
   * @param quorum for a value by an aggregation that does not lean on the worst
   * @param worstCaseQuorum by one that does
   * @param promptTokens the most that it sees; 0: as many as have room
   */
  static RewardEnsemble ensemble(
      Ensemble ensemble, int quorum, int worstCaseQuorum, int promptTokens) {
    RewardEnsemble.Builder answer =
        RewardEnsemble.newBuilder()
            .setModelVersion(MeshMessages.version(ensemble.id()))
            .setQuorum(quorum)
            .setWorstCaseQuorum(worstCaseQuorum)
            .setPromptTokensLimit(promptTokens);
    ensemble.heldOutAccuracy().ifPresent(answer::setHeldOutAccuracy);
    for (int k = 0; k < ensemble.members().size(); k++) {
      answer.addMembers(described(ensemble.members().get(k), ensemble.logOddsScale(k)));
    }
    for (Objective objective : ensemble.objectives()) {
      RewardObjective.Builder each =
          answer.addObjectivesBuilder().setName(objective.name()).setWeight(objective.weight());
      objective.heldOutAccuracy().ifPresent(each::setHeldOutAccuracy);
      objective
          .members()
          .forEach(member -> each.addMembers(described(member, member.inverseTemperature())));
    }
    return answer.build();
  }

  private static RewardMember described(Member member, OptionalDouble inverseTemperature) {
    RewardMember.Builder each =
        RewardMember.newBuilder()
            .setModelVersion(MeshMessages.version(member.id()))
            .setScoreMean(member.scale().mean())
            .setScoreStd(member.scale().std());
    inverseTemperature.ifPresent(each::setInverseTemperature);
    member.heldOutAccuracy().ifPresent(each::setHeldOutAccuracy);
    return each.build();
  }

  private static ProbabilityAbsence absence(Comparison.Absence absence) {
    return switch (absence) {
      case NO_VALUE -> ProbabilityAbsence.PROBABILITY_ABSENCE_NO_VALUE;
      case NO_MEMBERS -> ProbabilityAbsence.PROBABILITY_ABSENCE_NO_MEMBERS;
      case NO_TEMPERATURE -> ProbabilityAbsence.PROBABILITY_ABSENCE_NO_TEMPERATURE;
    };
  }
}
