package io.ballast.inference.remote;

import static io.ballast.inference.remote.MarkedTokenizer.BEGINNING;
import static io.ballast.inference.remote.MarkedTokenizer.MARK;
import static io.ballast.inference.remote.MarkedTokenizer.PAIR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import org.junit.jupiter.api.Test;

/** What is said to be the prompt is what the back end reads. */
class RemotePromptTest {
  private static final Tokenizer TOKENIZER = new MarkedTokenizer();
  private static final int C = 'c' + 1;
  private static final int D = 'd' + 1;

  /** Of a context of 10 tokens, 4 are for the completion and 1 for what begins a text. */
  private static GenerationRequest request(String prompt) {
    return request(prompt, 0);
  }

  private static GenerationRequest request(String prompt, int maxPromptTokens) {
    return new GenerationRequest(prompt, false, maxPromptTokens, SamplingOptions.greedy(4));
  }

  @Test
  void idsKeepMarksAndBeginAsTextsDo() {
    assertThat(RemotePrompt.ids(request("c<m>d"), TOKENIZER, 10))
        .isEqualTo(TokenIds.of(BEGINNING, C, MARK, D));
    assertThat(RemotePrompt.ids(request("<s>cd"), TOKENIZER, 10))
        .as("begun already")
        .isEqualTo(TokenIds.of(BEGINNING, C, D));
  }

  @Test
  void idsAreCutAtTheLeftButForTheBeginning() {
    assertThat(RemotePrompt.ids(request("cccc<m>dddd"), TOKENIZER, 10))
        .isEqualTo(TokenIds.of(BEGINNING, MARK, D, D, D, D));
    assertThat(RemotePrompt.ids(request("<s>cccc<m>dddd"), TOKENIZER, 10))
        .isEqualTo(TokenIds.of(BEGINNING, MARK, D, D, D, D));
    assertThat(RemotePrompt.ids(request("ccccd", 3), TOKENIZER, 10))
        .isEqualTo(TokenIds.of(BEGINNING, C, D));
  }

  @Test
  void aTextThatFitsGoesAsItIs() {
    RemotePrompt prompt = RemotePrompt.written(request("c<m>d"), TOKENIZER, 10);

    assertThat(prompt.text()).isEqualTo("c<m>d");
    assertThat(prompt.tokens()).isEqualTo(TokenIds.of(BEGINNING, C, MARK, D));
  }

  @Test
  void aTextThatIsBegunIsNotBegunTwice() {
    RemotePrompt prompt = RemotePrompt.written(request("<s>cd"), TOKENIZER, 10);

    assertThat(prompt.text()).isEqualTo("cd");
    assertThat(prompt.tokens()).isEqualTo(TokenIds.of(BEGINNING, C, D));
  }

  @Test
  void aTextIsCutWhereItReadsAsTheSameTokens() {
    RemotePrompt plain = RemotePrompt.written(request("ccccdddd"), TOKENIZER, 10);
    assertThat(plain.text()).isEqualTo("cdddd");
    assertThat(plain.tokens()).isEqualTo(TokenIds.of(BEGINNING, C, D, D, D, D));

    RemotePrompt afterMark = RemotePrompt.written(request("cccc<m>dddd"), TOKENIZER, 10);
    assertThat(afterMark.text()).as("a mark cannot be written").isEqualTo("dddd");
    assertThat(afterMark.tokens()).isEqualTo(TokenIds.of(BEGINNING, D, D, D, D));

    RemotePrompt pair = RemotePrompt.written(request("ccccababdd"), TOKENIZER, 10);
    assertThat(pair.tokens()).isEqualTo(TokenIds.of(BEGINNING, C, PAIR, PAIR, D, D));
    assertThat(TOKENIZER.encode(pair.text())).isEqualTo(TokenIds.of(C, PAIR, PAIR, D, D));
  }

  @Test
  void aTextThatCannotBeCutIsRefusedByName() {
    assertThatThrownBy(() -> RemotePrompt.written(request("ccccdddd<m>"), TOKENIZER, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "prompt: 9 tokens, with room for 5, and the back end, which takes text, would read its"
                + " end as other tokens (expected: at most 5 tokens)");
  }

  @Test
  void aPromptWithoutTokensOrRoomIsRefused() {
    assertThatThrownBy(() -> RemotePrompt.ids(request(""), TOKENIZER, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("prompt: 0 tokens, with room for 5 (expected: ≥ 1)");
    assertThatThrownBy(() -> RemotePrompt.written(request("c"), TOKENIZER, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("prompt: 1 tokens, with room for 0 (expected: ≥ 1)");
  }
}
