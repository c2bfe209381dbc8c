package io.ballast.orchestrator.core.learner;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.orchestrator.core.CallCancellation;
import io.ballast.orchestrator.core.learner.PromptSample.Failed;
import io.ballast.orchestrator.core.learner.PromptSample.Sampled;
import io.ballast.orchestrator.core.learner.SampleCommand.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Prompts reach the decoder as the text that makes it see their tokens. */
class SessionSamplerTest {
  private static final int BEGIN = 1;

  /** Characters are their own ids; id 1 precedes each text and has no text itself. */
  private static final class Characters implements Tokenizer {
    @Override
    public TokenIds encode(String text) {
      return TokenIds.of(text.chars().toArray());
    }

    @Override
    public String decode(TokenIds tokens) {
      StringBuilder text = new StringBuilder();
      for (int id : tokens.toArray()) {
        text.append(id == BEGIN ? "" : Character.toString(id));
      }
      return text.toString();
    }

    @Override
    public byte[] bytesOf(int id) {
      return id == BEGIN ? new byte[0] : new byte[] {(byte) id};
    }

    @Override
    public int vocabularySize() {
      return 128;
    }

    @Override
    public int endOfTextId() {
      return 0;
    }

    @Override
    public TokenIds beginning() {
      return TokenIds.of(BEGIN);
    }
  }

  /** Completes everything with nothing, and remembers what it was asked. */
  private static final class Remembering implements Decoder {
    final List<String> prompts = new ArrayList<>();
    private final Tokenizer tokenizer = new Characters();

    @Override
    public Tokenizer tokenizer() {
      return tokenizer;
    }

    @Override
    public int contextTokens() {
      return 64;
    }

    @Override
    public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
      prompts.add(request.prompt());
      CompletableFuture<Generation> result =
          CompletableFuture.completedFuture(
              new Generation(
                  tokenizer.encode(request.prompt()),
                  TokenIds.of(),
                  "",
                  PerToken.of(),
                  PerToken.of(),
                  StopReason.END_OF_TEXT));
      return new GenerationHandle() {
        @Override
        public CompletableFuture<Generation> result() {
          return result;
        }

        @Override
        public void cancel() {}
      };
    }

    @Override
    public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
      throw new AssertionError("nobody scores here");
    }

    @Override
    public void close() {}
  }

  private final Remembering decoder = new Remembering();

  private PromptSample sample(Prompt prompt) {
    SampleCommand command = new SampleCommand(List.of(prompt), 1, SamplingOptions.greedy(4), 0);
    return new SessionSampler(decoder, command, 1).run(CallCancellation.never()).getFirst();
  }

  @Test
  void tokensMayHaveTheOneThatBeginsATextOrNot() {
    assertThat(sample(new Prompt.Tokens(TokenIds.of(BEGIN, 'a', 'b')))).isInstanceOf(Sampled.class);
    assertThat(sample(new Prompt.Tokens(TokenIds.of('a', 'b')))).isInstanceOf(Sampled.class);
    assertThat(sample(new Prompt.Text("ab"))).isInstanceOf(Sampled.class);
    assertThat(decoder.prompts).containsExactly("ab", "ab", "ab");
  }

  @Test
  void tokensThatNoTextIsSplitIntoAreRefused() {
    for (TokenIds tokens : List.of(TokenIds.of('a', BEGIN), TokenIds.of(BEGIN, BEGIN, 'a'))) {
      assertThat(sample(new Prompt.Tokens(tokens)))
          .isInstanceOfSatisfying(
              Failed.class,
              failed ->
                  assertThat(failed.message())
                      .isEqualTo(
                          "prompts[0]: the tokenizer splits the text of these tokens in another"
                              + " way; send the text"));
    }
    assertThat(decoder.prompts).isEmpty();
  }
}
