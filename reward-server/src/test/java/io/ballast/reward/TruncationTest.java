package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static io.ballast.reward.testing.TestReward.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.TokenIds;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.PromptCut;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.testing.CharacterTokenizer;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.CandidatePool;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.EstimateBestOfNResponse;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A prompt that is longer than the ensemble sees is refused, unless the caller names a side to
 * keep; then the answer says what was dropped. The ensemble sees 10 tokens, one a character.
 */
class TruncationTest {
  private static final String FITS = "0123456789";
  private static final String LONG = "0123456789abc";

  private final TestReward reward = TestReward.start(Map.of("max-prompt-tokens", "10"));

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void aPromptThatIsTooLongIsRefusedAloneByItsPathAndLimit() {
    ScoreResponse response =
        score(Truncation.TRUNCATION_UNSPECIFIED, item("a", FITS, "x"), item("b", LONG, "x"));

    assertThat(response.getResults(0).hasValue()).isTrue();
    assertThat(response.getResults(0).hasPromptCut()).isFalse();
    ItemFailure failure = response.getResults(1).getFailure();
    assertThat(failure.getReason()).isEqualTo(FailureReason.FAILURE_REASON_TOO_LONG);
    assertThat(failure.getMessage())
        .isEqualTo(
            "items[1].prompt: 13 tokens, limit 10; truncation KEEP_LAST or KEEP_FIRST would cut"
                + " it");
  }

  @Test
  void theSideThatIsNamedIsKeptAndWhatWasDroppedIsTold() {
    ScoreResponse last =
        score(Truncation.TRUNCATION_KEEP_LAST, item("", LONG, "x"), item("", FITS, "y"));
    ScoreResponse first = score(Truncation.TRUNCATION_KEEP_FIRST, item("", LONG, "x"));

    assertThat(last.getResults(0).getPromptCut())
        .isEqualTo(cut(Truncation.TRUNCATION_KEEP_LAST, 3, 13));
    assertThat(last.getResults(1).hasPromptCut()).isFalse();
    assertThat(first.getResults(0).getPromptCut())
        .isEqualTo(cut(Truncation.TRUNCATION_KEEP_FIRST, 3, 13));
    assertThat(seen(0, 0)).isEqualTo("3456789abc");
    assertThat(seen(1, 0)).isEqualTo(FITS);
  }

  @Test
  void tokensAreCutAsTextIs() {
    TokenSequence.Builder tokens = TokenSequence.newBuilder();
    LONG.chars().forEach(tokens::addTokenIds);

    ScoreResponse response =
        score(
            Truncation.TRUNCATION_KEEP_LAST,
            ScoreItem.newBuilder()
                .setPrompt(TextOrTokens.newBuilder().setTokens(tokens))
                .setCompletion(text("x"))
                .build());

    assertThat(response.getResults(0).getPromptCut().getDroppedTokens()).isEqualTo(3);
    assertThat(seen(0, 0)).isEqualTo("3456789abc");
  }

  @Test
  void aStreamIsCutAsItsFirstMessageSays() throws Exception {
    List<ScoreStreamResponse> answers = new CopyOnWriteArrayList<>();
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> stream =
        RewardServiceGrpc.newStub(reward.channel())
            .scoreStream(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ScoreStreamResponse answer) {
                    answers.add(answer);
                  }

                  @Override
                  public void onError(Throwable error) {
                    ended.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    ended.complete(true);
                  }
                });
    stream.onNext(
        ScoreStreamRequest.newBuilder()
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST)
            .setItem(item("a", LONG, "x"))
            .build());
    stream.onNext(ScoreStreamRequest.newBuilder().setItem(item("b", LONG + "d", "x")).build());
    stream.onCompleted();
    ended.get(20, TimeUnit.SECONDS);

    assertThat(answers)
        .extracting(answer -> answer.getResult().getPromptCut().getDroppedTokens())
        .containsExactlyInAnyOrder(3, 4);
  }

  @Test
  void aComparisonIsCutForBothOrRefusedForBoth() {
    CompareRequest request =
        CompareRequest.newBuilder()
            .setPrompt(text(LONG))
            .setCompletionA(text("12"))
            .setCompletionB(text("1"))
            .build();

    CompareResponse refused = reward.stub().compare(request);
    CompareResponse cut =
        reward
            .stub()
            .compare(request.toBuilder().setTruncation(Truncation.TRUNCATION_KEEP_LAST).build());

    assertThat(refused.hasProbabilityAPreferred()).isFalse();
    assertThat(refused.getResultsList())
        .allSatisfy(result -> assertThat(result.getFailure().getMessage()).contains("13 tokens"));
    assertThat(cut.hasProbabilityAPreferred()).isTrue();
    assertThat(cut.getResultsList())
        .allSatisfy(result -> assertThat(result.getPromptCut().getDroppedTokens()).isEqualTo(3));
  }

  @Test
  void bestOfNLeavesOutWhatIsRefusedAndCountsWhatWasCut() {
    EstimateBestOfNRequest request =
        EstimateBestOfNRequest.newBuilder()
            .addPools(pool(LONG))
            .addPools(pool(FITS))
            .addNs(1)
            .build();

    EstimateBestOfNResponse cut =
        reward
            .stub()
            .estimateBestOfN(
                request.toBuilder().setTruncation(Truncation.TRUNCATION_KEEP_FIRST).build());

    assertThat(cut.getCutPromptsCount()).isEqualTo(2);
    assertThat(cut.getLeftOutList()).isEmpty();
    assertThatThrownBy(() -> reward.stub().estimateBestOfN(request))
        .hasMessageContaining("pools[0].completions[0].prompt: 13 tokens, limit 10");
  }

  @Test
  void aTruncationThatIsNotKnownIsRefused() {
    assertThatThrownBy(
            () ->
                reward
                    .stub()
                    .score(
                        ScoreRequest.newBuilder()
                            .addItems(item("", FITS, "x"))
                            .setTruncationValue(77)
                            .build()))
        .hasMessageContaining("truncation: unknown (expected: KEEP_LAST, KEEP_FIRST or none)");
  }

  @Test
  void theLimitIsListed() {
    assertThat(
            reward
                .stub()
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsembles(0)
                .getPromptTokensLimit())
        .isEqualTo(10);
  }

  private static CandidatePool pool(String prompt) {
    return CandidatePool.newBuilder()
        .setPrompt(text(prompt))
        .addCompletions(text("1"))
        .addCompletions(text("22"))
        .addGoldRewards(1)
        .addGoldRewards(0)
        .build();
  }

  private ScoreResponse score(Truncation truncation, ScoreItem... items) {
    return reward
        .stub()
        .score(
            ScoreRequest.newBuilder()
                .setTruncation(truncation)
                .addAllItems(List.of(items))
                .build());
  }

  /** The prompt of a group as the members saw it. */
  private String seen(int batch, int group) {
    TokenIds prompt = reward.ensembles.batches.get(batch).get(group).key();
    return new CharacterTokenizer().decode(prompt);
  }

  private static PromptCut cut(Truncation truncation, int dropped, int of) {
    return PromptCut.newBuilder()
        .setTruncation(truncation)
        .setDroppedTokens(dropped)
        .setPromptTokens(of)
        .build();
  }
}
