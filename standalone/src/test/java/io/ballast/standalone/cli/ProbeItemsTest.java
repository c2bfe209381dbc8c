package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.ScoreItem;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What doctor reward asks about is sure to be good, or sure to be bad. */
class ProbeItemsTest {
  private static final int MOST_OF_ANY_SERVER = 1 << 20;

  private static TextOrTokens tokens(Integer... ids) {
    return TextOrTokens.newBuilder()
        .setTokens(TokenSequence.newBuilder().addAllTokenIds(List.of(ids)))
        .build();
  }

  private static GoldenScore golden(TextOrTokens prompt, TextOrTokens completion) {
    return GoldenScore.newBuilder()
        .setItem(ScoreItem.newBuilder().setPrompt(prompt).setCompletion(completion))
        .build();
  }

  private static TextOrTokens tooLong(ProbeItems items) {
    return items.bad().stream()
        .filter(bad -> bad.reason() == FailureReason.FAILURE_REASON_TOO_LONG)
        .findFirst()
        .orElseThrow()
        .item()
        .getCompletion();
  }

  @Test
  void goldenItemsWithoutACompletionAreNoGoodOnes() {
    ProbeItems items =
        ProbeItems.ofTokens(List.of(golden(tokens(), tokens()), golden(tokens(7), tokens(8, 9))));
    assertThat(items.good())
        .extracting(ScoreItem::getPrompt, ScoreItem::getCompletion)
        .containsExactly(tuple(tokens(), tokens(8, 9)), tuple(tokens(7), tokens(8, 9)));
    assertThat(tooLong(items).getTokens().getTokenIds(0)).isEqualTo(7);

    assertThat(ProbeItems.ofTokens(List.of(golden(tokens(), tokens()))).good())
        .extracting(ScoreItem::getCompletion)
        .containsExactly(tokens(0));
  }

  @Test
  void whatIsToBeTooLongIsSoForAServerThatTakesTheMost() {
    assertThat(tooLong(ProbeItems.ofTexts()).getText().length()).isGreaterThan(MOST_OF_ANY_SERVER);
    assertThat(
            tooLong(ProbeItems.ofTokens(List.of(golden(tokens(7), tokens(8)))))
                .getTokens()
                .getTokenIdsCount())
        .isGreaterThan(MOST_OF_ANY_SERVER);
  }
}
