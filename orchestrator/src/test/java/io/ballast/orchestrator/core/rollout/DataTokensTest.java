package io.ballast.orchestrator.core.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.testing.ByteTokenizer;
import io.ballast.orchestrator.testing.FakeWorld;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Labelled texts become the tokens that the policy would have read and written. */
class DataTokensTest {
  private static final int CONTEXT = 100;

  private static DataTokens tokens(int maxPrompt, int maxNew, String... stops) {
    return new DataTokens(new ByteTokenizer(), maxPrompt, maxNew, List.of(stops));
  }

  private static SampledPrompt.Sampled row(DataTokens tokens, String prompt, Labels labels) {
    return (SampledPrompt.Sampled) tokens.row(prompt, labels, CONTEXT);
  }

  @Test
  void aPairIsTwoCompletionsWithTheirEnds() {
    SampledPrompt.Sampled row = row(tokens(64, 8, "\n"), "int a", new Labels("= 1;", "= 2;\n"));

    assertThat(row.promptTokens()).isEqualTo(FakeWorld.tokens("int a"));
    assertThat(row.completions())
        .extracting(SampledCompletion::label)
        .containsExactly(Label.CHOSEN, Label.REJECTED);
    assertThat(row.completions())
        .extracting(SampledCompletion::tokens)
        .as("the stop string is added where it is not there yet")
        .containsExactly(FakeWorld.tokens("= 1;\n"), FakeWorld.tokens("= 2;\n"));
    assertThat(row.completions())
        .extracting(SampledCompletion::text)
        .as("judged without it, as what is sampled")
        .containsExactly("= 1;", "= 2;");
  }

  @Test
  void withoutStopStringsATextEndsWithTheTokenThatEndsTexts() {
    SampledPrompt.Sampled row = row(tokens(64, 8), "p", new Labels("", "ab"));

    assertThat(row.completions())
        .singleElement()
        .satisfies(
            completion -> {
              assertThat(completion.tokens())
                  .isEqualTo(io.ballast.inference.api.TokenIds.of('a' + 1, 'b' + 1, 0));
              assertThat(completion.label()).isEqualTo(Label.REJECTED);
            });
  }

  @Test
  void aPromptIsCutToItsLastTokens() {
    Labels good = new Labels("x", "");

    assertThat(row(tokens(3, 8, "\n"), "abcdef", good).promptTokens())
        .isEqualTo(FakeWorld.tokens("def"));
    assertThat(row(tokens(0, 98, "\n"), "abcdef", good).promptTokens())
        .as("as many as fit beside a completion: 100 − 98")
        .isEqualTo(FakeWorld.tokens("ef"));
  }

  @Test
  void whatThePolicyCouldNotWriteIsNamed() {
    DataTokens tokens = tokens(64, 4, "\n", ";;");

    assertThat(tokens.flaw("abc")).isNull();
    assertThat(tokens.flaw("abc\n")).isNull();
    assertThat(tokens.flaw("abcd"))
        .isEqualTo("5 tokens with its end, limit 4, rollout.max_new_tokens");
    assertThat(tokens.flaw("a\nb"))
        .isEqualTo(
            "goes on after a stop string, at character 1 (expected: none of rollout.stop_strings before its end)");
  }
}
