package io.ballast.example;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.util.List;
import java.util.Locale;

/** What a trainer asks of the mesh in one iteration: samples, rewards, costs, log-probabilities. */
public final class OraclesFromJava {
  private static final String PROMPT = "int size = list.";
  private static final RequestMetadata TRAINER =
      RequestMetadata.newBuilder()
          .setTenant("my-trainer")
          .setPriority(Priority.PRIORITY_TRAINER) // waits behind what people wait for
          .build();

  private OraclesFromJava() {}

  /** Talks to the mesh at {@code args[0]}, such as 127.0.0.1:9100. */
  public static void main(String[] args) {
    ManagedChannel channel = NettyChannelBuilder.forTarget(args[0]).usePlaintext().build();
    try {
      CompletionGroup group = sample(channel);
      ScoreRequest.Builder score =
          ScoreRequest.newBuilder()
              .setMetadata(TRAINER)
              .setTruncation(Truncation.TRUNCATION_KEEP_LAST); // of prompts longer than it sees
      CostRequest.Builder cost =
          CostRequest.newBuilder()
              .setMetadata(TRAINER)
              .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
      LogProbsRequest.Builder logProbs =
          LogProbsRequest.newBuilder().setMetadata(TRAINER).setPolicy(pinned());
      for (Completion completion : group.getCompletionsList()) {
        var prompt = TextOrTokens.newBuilder().setText(PROMPT);
        var text = TextOrTokens.newBuilder().setText(completion.getText());
        score.addItems(ScoreItem.newBuilder().setPrompt(prompt).setCompletion(text));
        cost.addItems(CostItem.newBuilder().setPrompt(prompt).setCompletion(text));
        logProbs.addItems(
            LogProbsItem.newBuilder()
                .setPrompt(TextOrTokens.newBuilder().setTokens(group.getPromptTokens()))
                .setCompletion(TextOrTokens.newBuilder().setTokens(completion.getTokens())));
      }
      var rewards = RewardServiceGrpc.newBlockingStub(channel).score(score.build());
      var costs = SafetyServiceGrpc.newBlockingStub(channel).cost(cost.build());
      var forced = PolicyServiceGrpc.newBlockingStub(channel).logProbs(logProbs.build());

      for (int i = 0; i < group.getCompletionsCount(); i++) {
        Completion completion = group.getCompletions(i);
        // each result is a value or a typed failure: a failure is never a zero
        System.out.println(
            String.format(
                Locale.ROOT,
                "reward %s  harm %s  log-prob %.2f sampled, %.2f forced  %s",
                rewards.getResults(i).hasValue() ? rewards.getResults(i).getValue() : "none",
                costs.getResults(i).hasValue()
                    ? costs.getResults(i).getValue().getHarmProbability()
                    : "none",
                sum(completion.getLogProbsList()),
                sum(forced.getResults(i).getValue().getLogProbsList()),
                completion.getText()));
      }
    } finally {
      channel.shutdownNow();
    }
  }

  private static CompletionGroup sample(ManagedChannel channel) {
    return PolicyServiceGrpc.newBlockingStub(channel)
        .sample(
            SampleRequest.newBuilder()
                .setMetadata(TRAINER)
                .setPolicy(pinned())
                .addPrompts(TextOrTokens.newBuilder().setText(PROMPT))
                .setCompletionsCount(4)
                .setSampling(
                    SamplingOptions.newBuilder()
                        .setTemperature(1)
                        .setMaxNewTokens(12)
                        .addStopStrings("\n")
                        .setSeed(7))
                .build())
        .getResults(0)
        .getGroup();
  }

  /** One version for the whole iteration, whatever the alias "serving" does meanwhile. */
  private static ModelSelector pinned() {
    return ModelSelector.newBuilder().setModel("java-tiny").setVersion("1").build();
  }

  private static double sum(List<Float> values) {
    return values.stream().mapToDouble(Float::doubleValue).sum();
  }
}
