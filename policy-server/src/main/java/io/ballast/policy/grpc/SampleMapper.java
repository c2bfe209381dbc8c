package io.ballast.policy.grpc;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenScores;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.core.sample.Content;
import io.ballast.policy.core.sample.LogProbsAnswer;
import io.ballast.policy.core.sample.LogProbsCommand;
import io.ballast.policy.core.sample.Outcome;
import io.ballast.policy.core.sample.SampleAnswer;
import io.ballast.policy.core.sample.SampleCommand;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.LogProbsResponse;
import io.ballast.policy.v1.LogProbsResult;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.ballast.policy.v1.TokenAlternatives;
import io.ballast.policy.v1.TokenLogProbs;
import io.ballast.policy.v1.VersionSpan;
import java.util.ArrayList;
import java.util.List;

/** Translates samples and log-probabilities. */
public final class SampleMapper {
  private final CallMapper calls;

  public SampleMapper(CallMapper calls) {
    this.calls = calls;
  }

  SampleCommand toCommand(SampleRequest request, long arrivalNanos) {
    return new SampleCommand(
        calls.caller(request.getMetadata()),
        MeshMessages.selector(request.getPolicy()),
        request.getPromptsList().stream().map(SampleMapper::content).toList(),
        request.hasCompletionsCount() ? request.getCompletionsCount() : 1,
        CallMapper.sampling(request.getSampling()),
        request.getHealCursor(),
        request.getMaxPromptTokens(),
        arrivalNanos);
  }

  SampleResponse toResponse(SampleAnswer answer) {
    SampleResponse.Builder response =
        SampleResponse.newBuilder()
            .setPolicyVersion(MeshMessages.version(answer.policyVersion()))
            .setSeed(answer.seed())
            .setTiming(CallMapper.timing(answer.times()));
    for (Outcome<List<Generation>> outcome : answer.groups()) {
      response.addResults(
          switch (outcome) {
            case Outcome.Value<List<Generation>> value ->
                SampleResult.newBuilder()
                    .setGroup(group(value.value(), answer.policyVersion()))
                    .build();
            case Outcome.Failed<List<Generation>> failed ->
                SampleResult.newBuilder().setFailure(MeshMessages.failure(failed.fault())).build();
          });
    }
    return response.build();
  }

  LogProbsCommand toCommand(LogProbsRequest request, long arrivalNanos) {
    return new LogProbsCommand(
        calls.caller(request.getMetadata()),
        MeshMessages.selector(request.getPolicy()),
        request.getItemsList().stream()
            .map(
                item ->
                    new LogProbsCommand.Item(
                        content(item.getPrompt()), content(item.getCompletion())))
            .toList(),
        new LogProbsCommand.Detail(request.getWithEntropies(), request.getAlternativesCount()),
        arrivalNanos);
  }

  LogProbsResponse toResponse(LogProbsAnswer answer) {
    LogProbsResponse.Builder response =
        LogProbsResponse.newBuilder()
            .setPolicyVersion(MeshMessages.version(answer.policyVersion()))
            .setTiming(CallMapper.timing(answer.times()));
    for (Outcome<LogProbsAnswer.Sequence> outcome : answer.results()) {
      response.addResults(
          switch (outcome) {
            case Outcome.Value<LogProbsAnswer.Sequence> value ->
                LogProbsResult.newBuilder().setValue(tokenLogProbs(value.value())).build();
            case Outcome.Failed<LogProbsAnswer.Sequence> failed ->
                LogProbsResult.newBuilder()
                    .setFailure(MeshMessages.failure(failed.fault()))
                    .build();
          });
    }
    return response.build();
  }

  static Completion completion(Generation generation, PinnedVersion version) {
    Completion.Builder completion =
        Completion.newBuilder()
            .setTokens(CallMapper.tokens(generation.tokens()))
            .setText(generation.text())
            .addAllLogProbs(floats(generation.logProbs()))
            .addAllSamplingLogProbs(floats(generation.samplingLogProbs()))
            .setStopReason(CallMapper.stopReason(generation.stopReason()));
    if (generation.tokens().size() > 0) {
      completion.addVersionSpans(
          VersionSpan.newBuilder()
              .setFirstToken(0)
              .setTokensCount(generation.tokens().size())
              .setPolicyVersion(MeshMessages.version(version)));
    }
    return completion.build();
  }

  private static CompletionGroup group(List<Generation> generations, PinnedVersion version) {
    CompletionGroup.Builder group =
        CompletionGroup.newBuilder()
            .setPromptTokens(CallMapper.tokens(generations.getFirst().promptTokens()));
    generations.forEach(generation -> group.addCompletions(completion(generation, version)));
    return group.build();
  }

  private static TokenLogProbs tokenLogProbs(LogProbsAnswer.Sequence sequence) {
    TokenLogProbs.Builder tokens =
        TokenLogProbs.newBuilder()
            .setTokens(CallMapper.tokens(sequence.tokens()))
            .addAllLogProbs(floats(sequence.logProbs()))
            .addAllEntropies(floats(sequence.entropies()));
    for (List<TokenScores.Alternative> place : sequence.alternatives()) {
      TokenAlternatives.Builder alternatives = TokenAlternatives.newBuilder();
      for (TokenScores.Alternative one : place) {
        alternatives.addTokenIds(one.tokenId()).addLogProbs(one.logProb());
      }
      tokens.addAlternatives(alternatives);
    }
    return tokens.build();
  }

  private static Content content(TextOrTokens content) {
    return switch (content.getContentCase()) {
      case TEXT -> new Content.Text(content.getText());
      case TOKENS -> new Content.Tokens(CallMapper.tokens(content.getTokens()));
      case CONTENT_NOT_SET -> new Content.Absent();
    };
  }

  private static List<Float> floats(PerToken values) {
    List<Float> floats = new ArrayList<>(values.size());
    for (int t = 0; t < values.size(); t++) {
      floats.add(values.get(t));
    }
    return floats;
  }
}
