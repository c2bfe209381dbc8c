package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.grpc.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Samples by the policy-server's Sample, a bounded number of completions a call. The portions of a
 * query, and so its seeds, depend on nothing but the query.
 */
public final class GrpcRollouts implements RolloutSource {
  private static final int COMPLETIONS_A_CALL = 256;
  private static final int PROMPT_CHARACTERS_A_CALL = 2 << 20;

  private final PolicyServiceGrpc.PolicyServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout of one call
   */
  public GrpcRollouts(Channel policyServer, Duration timeout) {
    this.stub = PolicyServiceGrpc.newBlockingStub(policyServer);
    this.timeout = timeout;
  }

  @Override
  public List<SampledPrompt> sample(Query query) {
    int promptsACall = Math.max(1, COMPLETIONS_A_CALL / query.completionsCount());
    List<List<String>> portions =
        Portions.of(query.prompts(), promptsACall, PROMPT_CHARACTERS_A_CALL, String::length);
    List<SampledPrompt> sampled = new ArrayList<>();
    for (int i = 0; i < portions.size(); i++) {
      sampled.addAll(sample(query, portions.get(i), i));
    }
    return sampled;
  }

  private List<SampledPrompt> sample(Query query, List<String> prompts, int portion) {
    SampleRequest request =
        SampleRequest.newBuilder()
            .setMetadata(PeerCalls.metadata(query.tenant()))
            .setPolicy(
                ModelSelector.newBuilder()
                    .setModel(query.policy().model())
                    .setVersion(query.policy().version()))
            .addAllPrompts(prompts.stream().map(PeerCalls::text).toList())
            .setCompletionsCount(query.completionsCount())
            .setSampling(sampling(query.sampling(), portion))
            .setMaxPromptTokens(query.maxPromptTokens())
            .build();
    SampleResponse answer =
        PeerCalls.call(
            PeerCalls.POLICY_SERVER,
            () -> stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS).sample(request));
    requireContract(query, prompts, answer);
    List<SampledPrompt> sampled = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      sampled.add(sampled(prompts.get(i), answer.getResults(i)));
    }
    return sampled;
  }

  private static io.ballast.mesh.v1.SamplingOptions sampling(SamplingOptions options, int portion) {
    return io.ballast.mesh.v1.SamplingOptions.newBuilder()
        .setTemperature(options.temperature())
        .setMaxNewTokens(options.maxNewTokens())
        .addAllStopStrings(options.stopStrings())
        .setSeed(Seeds.derive(options.seed(), portion))
        .build();
  }

  private static void requireContract(Query query, List<String> prompts, SampleResponse answer) {
    if (answer.getResultsCount() != prompts.size()) {
      throw PeerCalls.broken(
          PeerCalls.POLICY_SERVER,
          "%d results for %d prompts".formatted(answer.getResultsCount(), prompts.size()));
    }
    String sha = answer.getPolicyVersion().getWeightsSha256();
    if (!sha.equals(query.policy().weightsSha256())) {
      throw PeerCalls.broken(
          PeerCalls.POLICY_SERVER,
          "sampled from weights %s, %s has %s"
              .formatted(sha, query.policy(), query.policy().weightsSha256()));
    }
  }

  private static SampledPrompt sampled(String prompt, SampleResult result) {
    return switch (result.getOutcomeCase()) {
      case FAILURE -> new SampledPrompt.Failed(PeerCalls.words(result.getFailure()));
      case GROUP -> group(prompt, result.getGroup());
      case OUTCOME_NOT_SET ->
          throw PeerCalls.broken(PeerCalls.POLICY_SERVER, "a result without an outcome");
    };
  }

  private static SampledPrompt group(String prompt, CompletionGroup group) {
    List<SampledCompletion> completions = new ArrayList<>();
    for (Completion completion : group.getCompletionsList()) {
      float[] logProbs = new float[completion.getLogProbsCount()];
      for (int t = 0; t < logProbs.length; t++) {
        logProbs[t] = completion.getLogProbs(t);
      }
      if (logProbs.length != completion.getTokens().getTokenIdsCount()) {
        throw PeerCalls.broken(
            PeerCalls.POLICY_SERVER,
            "%d log-probabilities for %d tokens"
                .formatted(logProbs.length, completion.getTokens().getTokenIdsCount()));
      }
      completions.add(
          new SampledCompletion(
              PeerCalls.tokens(completion.getTokens()),
              completion.getText(),
              PerToken.of(logProbs),
              switch (completion.getStopReason()) {
                case STOP_REASON_MAX_TOKENS, STOP_REASON_CONTEXT_FULL -> true;
                default -> false;
              }));
    }
    return new SampledPrompt.Sampled(
        prompt, PeerCalls.tokens(group.getPromptTokens()), completions);
  }
}
