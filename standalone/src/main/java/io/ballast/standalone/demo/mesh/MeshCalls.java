package io.ballast.standalone.demo.mesh;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Channel;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;

/**
 * The mesh's API as the demo uses it: nothing but gRPC. Every call blocks, has a deadline each time
 * that it is made, and fails with {@link io.grpc.StatusRuntimeException}; one for which a busy mesh
 * has no room waits for its turn. Safe for use by many threads.
 */
public final class MeshCalls {
  private static final long SECONDS = 60;

  private final Channel channel;
  private final String tenant;
  private final String model;

  /**
   * @param channel to a process that serves everything
   * @param tenant whose calls these are
   * @param model the policy's name
   */
  public MeshCalls(Channel channel, String tenant, String model) {
    this.channel = channel;
    this.tenant = tenant;
    this.model = model;
  }

  /** Returns the version that the alias "serving" points to; nothing if there is no such alias. */
  public Optional<String> servingVersion() {
    return VersionServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .listAliases(
            ListAliasesRequest.newBuilder()
                .setMetadata(metadata(Priority.PRIORITY_INTERACTIVE))
                .setModel(model)
                .build())
        .getAliasesList()
        .stream()
        .filter(alias -> alias.getAlias().equals("serving"))
        .map(PolicyAlias::getVersion)
        .findFirst();
  }

  /** Asks for one suggestion. */
  public Suggestion suggest(SuggestQuestion question) {
    ModelSelector.Builder policy = ModelSelector.newBuilder().setModel(model);
    if (!question.version().isEmpty()) {
      policy.setVersion(question.version());
    }
    SuggestRequest request =
        SuggestRequest.newBuilder()
            .setMetadata(metadata(Priority.PRIORITY_INTERACTIVE))
            .setPolicy(policy)
            .setPrompt(question.prompt())
            .setSampling(SamplingOptions.newBuilder().setSeed(question.seed()))
            .setGateMode(
                question.inForce() ? GateMode.GATE_MODE_ENFORCE : GateMode.GATE_MODE_SHADOW)
            .setWithReward(question.judged())
            .setWithCost(question.judged())
            .setUser(question.user())
            .build();
    return SuggestionMapper.toSuggestion(PatientCalls.make(() -> policy().suggest(request)));
  }

  /**
   * Tells the mesh what became of a suggestion; answered after it is on disk.
   *
   * @param key the same key has its effect once
   */
  public void recordFeedback(String suggestionId, Reaction reaction, String key) {
    FeedbackEvent.Builder event = FeedbackEvent.newBuilder().setSuggestionId(suggestionId);
    switch (reaction) {
      case Reaction.Accepted accepted ->
          event.setAccepted(Accepted.newBuilder().setSavedCharacters(accepted.savedCharacters()));
      case Reaction.Edited edited ->
          event.setEdited(
              Edited.newBuilder()
                  .setKeptCharacters(edited.keptCharacters())
                  .setFinalText(edited.finalText()));
      case Reaction.Rejected _ -> event.setRejected(Rejected.getDefaultInstance());
    }
    RecordFeedbackRequest request =
        RecordFeedbackRequest.newBuilder()
            .setMetadata(metadata(Priority.PRIORITY_INTERACTIVE).toBuilder().setIdempotencyKey(key))
            .setEvent(event)
            .build();
    var unused =
        PatientCalls.make(
            () ->
                FeedbackServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
                    .recordFeedback(request));
  }

  /**
   * Draws completions to the end of the line at the serving temperature.
   *
   * @param prompts the text before each cursor; a cursor inside a token is healed
   * @param count for each prompt
   * @return in the order of the prompts; nothing where a prompt failed
   */
  public List<Optional<Completions>> sample(
      String version, List<String> prompts, int count, TokenLimits limits, long seed) {
    SampleRequest.Builder request =
        SampleRequest.newBuilder()
            .setMetadata(metadata(Priority.PRIORITY_TRAINER))
            .setPolicy(ModelSelector.newBuilder().setModel(model).setVersion(version))
            .setCompletionsCount(count)
            .setHealCursor(true)
            .setMaxPromptTokens(limits.prompt())
            .setSampling(
                SamplingOptions.newBuilder()
                    .setSeed(seed)
                    .setMaxNewTokens(limits.completion())
                    .addStopStrings("\n"));
    prompts.forEach(prompt -> request.addPrompts(TextOrTokens.newBuilder().setText(prompt)));
    return PatientCalls.make(() -> policy().sample(request.build())).getResultsList().stream()
        .map(
            result ->
                result.hasGroup() ? Optional.of(completions(result.getGroup())) : NO_COMPLETIONS)
        .toList();
  }

  private static final Optional<Completions> NO_COMPLETIONS = Optional.empty();

  /**
   * Asks the reward ensemble, aggregated as the server does by default.
   *
   * @return in the order of the pairs; nothing where an item failed
   */
  public List<Optional<Score>> score(List<JudgedPair> pairs) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(metadata(Priority.PRIORITY_TRAINER))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    pairs.forEach(
        pair ->
            request.addItems(
                ScoreItem.newBuilder()
                    .setPrompt(content(pair.prompt()))
                    .setCompletion(content(pair.completion()))));
    return PatientCalls.make(
            () ->
                RewardServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
                    .score(request.build()))
        .getResultsList()
        .stream()
        .map(MeshCalls::score)
        .toList();
  }

  /**
   * Asks the serving cost model, which is the one that runs optimise against.
   *
   * @return harm probabilities in the order of the pairs; nothing where an item failed
   */
  public List<OptionalDouble> cost(List<JudgedPair> pairs) {
    CostRequest.Builder request =
        CostRequest.newBuilder()
            .setMetadata(metadata(Priority.PRIORITY_TRAINER))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    pairs.forEach(
        pair ->
            request.addItems(
                CostItem.newBuilder()
                    .setPrompt(content(pair.prompt()))
                    .setCompletion(content(pair.completion()))));
    return PatientCalls.make(() -> safety().cost(request.build())).getResultsList().stream()
        .map(
            result ->
                result.hasValue()
                    ? OptionalDouble.of(result.getValue().getHarmProbability())
                    : OptionalDouble.empty())
        .toList();
  }

  /** Has a certificate computed anew, and checked against the weights that it is said to cover. */
  public VerifiedCertificate verify(String certificateId, String weightsSha256) {
    VerifyCertificateResponse answer =
        safety()
            .verifyCertificate(
                VerifyCertificateRequest.newBuilder()
                    .setMetadata(metadata(Priority.PRIORITY_INTERACTIVE))
                    .setCertificateId(certificateId)
                    .setCandidateWeightsSha256(weightsSha256)
                    .build());
    return new VerifiedCertificate(
        certificateId,
        answer.getValid(),
        answer.getRecomputedUpperBound(),
        List.copyOf(answer.getFindingsList()));
  }

  /** Returns what drives runs. */
  public RunWatch runs() {
    return new RunWatch(channel, metadata(Priority.PRIORITY_TRAINER));
  }

  private PolicyServiceGrpc.PolicyServiceBlockingStub policy() {
    return PolicyServiceGrpc.newBlockingStub(channel).withDeadlineAfter(SECONDS, TimeUnit.SECONDS);
  }

  private SafetyServiceGrpc.SafetyServiceBlockingStub safety() {
    return SafetyServiceGrpc.newBlockingStub(channel).withDeadlineAfter(SECONDS, TimeUnit.SECONDS);
  }

  private RequestMetadata metadata(Priority priority) {
    return RequestMetadata.newBuilder().setTenant(tenant).setPriority(priority).build();
  }

  private static Completions completions(CompletionGroup group) {
    return new Completions(
        group.getPromptTokens().getTokenIdsList(),
        group.getCompletionsList().stream()
            .map(
                completion ->
                    new Completions.Completion(
                        completion.getText(),
                        completion.getTokens().getTokenIdsList(),
                        completion.getLogProbsList()))
            .toList());
  }

  private static Optional<Score> score(ScoreResult result) {
    return result.hasValue()
        ? Optional.of(
            new Score(
                result.getValue(),
                result.getMembersList().stream()
                    .filter(MemberScore::hasNormalisedScore)
                    .map(MemberScore::getNormalisedScore)
                    .toList()))
        : Optional.empty();
  }

  private static TextOrTokens content(Content content) {
    return switch (content) {
      case Content.Text text -> TextOrTokens.newBuilder().setText(text.text()).build();
      case Content.Tokens tokens ->
          TextOrTokens.newBuilder()
              .setTokens(TokenSequence.newBuilder().addAllTokenIds(tokens.ids()))
              .build();
    };
  }
}
