package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What every runtime of java-tiny/1 must do alike: the same prompts, the same greedy texts, the
 * same ends, the same failures.
 */
abstract class DecoderContract {
  static final Path MODELS = Path.of("..", "models");

  /** Rounding of other products and of bfloat16 weights read in other ways. */
  private static final float TOLERANCE = 1e-3f;

  /** The decoder, which stays its owner's. */
  abstract Decoder decoder();

  /** Opens a version that may not be there. */
  abstract Decoder open(String name, String version);

  /** The reason for which a model that there is not is refused. */
  abstract ModelException.Reason unknownModel();

  Generation generate(String prompt, SamplingOptions options) {
    return decoder()
        .generate(new GenerationRequest(prompt, false, 0, options), token -> {})
        .result()
        .join();
  }

  private static SamplingOptions.Builder greedy(int tokens) {
    return SamplingOptions.builder().temperature(0).maxNewTokens(tokens);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "for (int i = 0; i < |active; i++) {\\n            if (i < active",
        "System.out.pri|or.getThreads());\\n        }\\n        return threads",
        "public static void main(String| name, String value) {\\n    if (value == null",
        "    return | returnType.getName();\\n\\t\\t}\\n\\t\\treturn ResolvableType.",
        "/** Returns the größte |};\\n    public static final String SET_NAME ="
      })
  void greedyTextsAreTheModels(String prompt, String expected) {
    Generation generation = generate(prompt, greedy(12).build());

    assertThat(generation.text()).isEqualTo(expected.translateEscapes());
    assertThat(generation.promptTokens()).isEqualTo(decoder().tokenizer().encode(prompt));
    assertThat(generation.tokens().size()).isEqualTo(12);
    assertThat(generation.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    assertThat(decoder().tokenizer().decode(generation.tokens())).isEqualTo(generation.text());
  }

  @Test
  void logProbabilitiesAreTheModels() {
    Generation generation = generate("for (int i = 0; i < ", greedy(4).build());

    assertThat(generation.logProbs().toArray())
        .usingComparatorWithPrecision(TOLERANCE)
        .containsExactly(-2.78145f, -2.51391f, -0.04494f, -0.06781f);
    assertThat(generation.samplingLogProbs().toArray()).containsOnly(0f);
  }

  @Test
  void tokensArriveOneByOne() {
    List<GeneratedToken> tokens = new ArrayList<>();
    Generation generation =
        decoder()
            .generate(
                new GenerationRequest("for (int i", false, 0, greedy(10).build()), tokens::add)
            .result()
            .join();

    assertThat(tokens).hasSize(10);
    assertThat(tokens.stream().map(GeneratedToken::text).collect(Collectors.joining()))
        .isEqualTo(generation.text());
    assertThat(tokens.stream().map(GeneratedToken::tokenId))
        .containsExactlyElementsOf(Arrays.stream(generation.tokens().toArray()).boxed().toList());
  }

  @Test
  void aStopTextEndsItAndIsNotPartOfIt() {
    String whole = generate("for (int i = 0; i < ", greedy(12).build()).text();
    String stop = whole.substring(3, 6);

    Generation stopped =
        generate("for (int i = 0; i < ", greedy(12).stopStrings(List.of("never", stop)).build());

    assertThat(stopped.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(stopped.stopReason()).isEqualTo(StopReason.STOP_STRING);
  }

  @Test
  void aSeedGivesTheSameTokensAgain() {
    SamplingOptions drawn = SamplingOptions.builder().maxNewTokens(16).seed(5).build();
    Generation once = generate("int value = ", drawn);

    assertThat(generate("int value = ", drawn).tokens()).isEqualTo(once.tokens());
    assertThat(once.samplingLogProbs().toArray())
        .usingComparatorWithPrecision(TOLERANCE)
        .containsExactly(once.logProbs().toArray());
    assertThat(
            generate("int value = ", SamplingOptions.builder().maxNewTokens(16).seed(6).build())
                .tokens())
        .isNotEqualTo(once.tokens());
  }

  @Test
  void manyAtOnceDrawWhatEachDrawsAlone() {
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      prompts.add("int value" + i + " = compute(".repeat(1 + i % 4));
    }
    List<GenerationHandle> handles =
        prompts.stream()
            .map(
                prompt ->
                    decoder()
                        .generate(
                            new GenerationRequest(prompt, false, 0, greedy(10).build()),
                            token -> {}))
            .toList();

    for (int i = 0; i < prompts.size(); i++) {
      assertThat(handles.get(i).result().join().text())
          .isEqualTo(generate(prompts.get(i), greedy(10).build()).text());
    }
  }

  @Test
  void aPromptThatDoesNotFitKeepsItsEnd() {
    String prompt = "int value = compute(left, right); ".repeat(60);

    Generation generation = generate(prompt, greedy(8).build());

    assertThat(generation.promptTokens())
        .isEqualTo(decoder().tokenizer().encode(prompt).last(256 - 8));
    assertThat(generation.tokens().size()).isEqualTo(8);
  }

  @Test
  void anEmptyPromptIsRefused() {
    assertThatThrownBy(() -> generate("", greedy(8).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("prompt: ");
  }

  @Test
  void aCallerThatLeavesKeepsWhatCame() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(2);
    GenerationHandle handle =
        decoder()
            .generate(
                new GenerationRequest("int value = ", false, 0, greedy(240).build()),
                token -> second.countDown());
    while (second.getCount() > 0 && !handle.result().isCompletedExceptionally()) {
      var unused = second.await(10, TimeUnit.MILLISECONDS);
    }

    handle.cancel();

    Generation generation = handle.result().join();
    assertThat(generation.stopReason()).isIn(StopReason.CANCELLED, StopReason.END_OF_TEXT);
    assertThat(generation.tokens().size()).isBetween(2, 239);
  }

  @Test
  void aModelThatThereIsNotIsRefused() {
    ModelException thrown =
        catchThrowableOfType(ModelException.class, () -> open("java-nothing", "1").close());
    assertThat(thrown.reason()).isEqualTo(unknownModel());
    thrown = catchThrowableOfType(ModelException.class, () -> open("java-tiny", "9").close());
    assertThat(thrown.reason()).isEqualTo(unknownModel());
  }
}
