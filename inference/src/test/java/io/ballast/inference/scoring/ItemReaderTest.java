package io.ballast.inference.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.scoring.ItemReading.ItemRefusal;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PromptCut;
import io.ballast.kit.call.Truncation;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a model of 16 tokens of context sees, one token a character. */
class ItemReaderTest {
  private static final int CONTEXT = 16;
  private static final String PROMPT = "abcdefghijklmno"; // 15

  @Test
  void whatFitsIsSeenWhole() throws ItemRefusal {
    assertThat(read(0, Truncation.REFUSE, "abcdefghijkl", "1234").cut()).isEmpty(); // 12 + 4
    assertThat(read(12, Truncation.REFUSE, "abcdefghijkl", "1234").cut()).isEmpty();
  }

  @Test
  void aPromptMustFitTheContextBesideItsCompletion() {
    refuses(0, "abcdefghijklm", "1234", "i.prompt: 13 tokens, limit 12"); // 13 + 4 > 16
    refuses(5, PROMPT, "1", "i.prompt: 15 tokens, limit 5");
    refuses(14, PROMPT, "1234", "i.prompt: 15 tokens, limit 12");
  }

  @Test
  void aCompletionIsNeverCut() {
    for (Truncation truncation : Truncation.values()) {
      assertThatThrownBy(() -> read(0, truncation, "a", "1234567890123456"))
          .isInstanceOfSatisfying(
              ItemRefusal.class,
              e ->
                  assertThat(e.fault())
                      .isEqualTo(
                          new ItemFault(
                              ItemFault.Reason.TOO_LONG, "i.completion: 16 tokens, limit 15")));
    }
  }

  @Test
  void aCutLeavesTheCompletionsRoomAndItsReserve() throws ItemRefusal {
    // an eighth of the context, 2 tokens, is left free at least: completions of 1 and 2 share a cut
    assertThat(read(0, Truncation.KEEP_LAST, PROMPT + "p", "1"))
        .isEqualTo(seen("cdefghijklmnop", "1", Truncation.KEEP_LAST, 2, 16));
    assertThat(read(0, Truncation.KEEP_LAST, PROMPT + "p", "12"))
        .isEqualTo(seen("cdefghijklmnop", "12", Truncation.KEEP_LAST, 2, 16));
    assertThat(read(0, Truncation.KEEP_FIRST, PROMPT, "1234"))
        .isEqualTo(seen("abcdefghijkl", "1234", Truncation.KEEP_FIRST, 3, 15));
    assertThat(read(5, Truncation.KEEP_LAST, PROMPT, "1234"))
        .isEqualTo(seen("klmno", "1234", Truncation.KEEP_LAST, 10, 15));
    assertThat(read(5, Truncation.KEEP_FIRST, PROMPT, "1234"))
        .isEqualTo(seen("abcde", "1234", Truncation.KEEP_FIRST, 10, 15));
  }

  @Test
  void anEmptyPromptIsTheTokenThatEndsAText() throws ItemRefusal {
    assertThat(read(0, Truncation.REFUSE, "", "1").prompt()).isEqualTo(TokenIds.of(0));
  }

  private static SeenItem seen(
      String prompt, String completion, Truncation truncation, int dropped, int of) {
    return new SeenItem(
        tokens(prompt), tokens(completion), Optional.of(new PromptCut(truncation, dropped, of)));
  }

  private static void refuses(int window, String prompt, String completion, String message) {
    assertThatThrownBy(() -> read(window, Truncation.REFUSE, prompt, completion))
        .hasMessageStartingWith(message)
        .hasMessageEndingWith("truncation KEEP_LAST or KEEP_FIRST would cut it");
  }

  private static SeenItem read(int window, Truncation truncation, String prompt, String completion)
      throws ItemRefusal {
    return new ItemReader(new Characters(), 1_000, new PromptWindow(window, CONTEXT), truncation)
        .read("i", new Content.Text(prompt), new Content.Text(completion));
  }

  private static TokenIds tokens(String text) {
    return TokenIds.of(text.chars().toArray());
  }

  private static final class Characters implements Tokenizer {
    @Override
    public TokenIds encode(String text) {
      return tokens(text);
    }

    @Override
    public String decode(TokenIds tokens) {
      return new String(tokens.toArray(), 0, tokens.size());
    }

    @Override
    public byte[] bytesOf(int id) {
      return new byte[] {(byte) id};
    }

    @Override
    public int vocabularySize() {
      return 128;
    }

    @Override
    public int endOfTextId() {
      return 0;
    }
  }
}
