package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The engine, with its cache and its batch, draws what plain loops without either would draw. */
class FamilyDecodingTest {
  private static final int TOKENS = 8;
  private static final List<String> PROMPTS = List.of("print(in);", "x", "println();  in");

  @TempDir private Path folder;

  private DecoderConfig write(DecoderFamily family, List<Integer> ends) throws IOException {
    DecoderConfig small = FamilyFolders.config(family);
    DecoderConfig config =
        new DecoderConfig(
            small.family(),
            small.hiddenSize(),
            small.intermediateSize(),
            small.layers(),
            small.attentionHeads(),
            small.keyValueHeads(),
            small.headSize(),
            TinyTokenizer.vocabularySize(),
            small.contextTokens(),
            small.rmsNormEpsilon(),
            small.ropeTheta(),
            small.ropeScaling(),
            small.activation(),
            small.queryKeyValueBias(),
            small.outputBias(),
            small.tiedHead(),
            0,
            ends);
    FamilyFolders.write(folder, config, 21);
    TinyTokenizer.write(folder);
    return config;
  }

  private static TorchDecoder load(Path folder) {
    return TorchDecoder.load(folder, new ServingOptions(Arithmetic.FLOAT32, 4, 8, 64));
  }

  @ParameterizedTest
  @EnumSource(DecoderFamily.class)
  void greedyTokensAreThoseOfPlainLoops(DecoderFamily family) throws IOException {
    DecoderConfig config = write(family, List.of(0));
    ReferenceDecoder reference = new ReferenceDecoder(config, folder);
    try (TorchDecoder decoder = load(folder)) {
      List<GenerationHandle> handles = new ArrayList<>();
      for (String prompt : PROMPTS) {
        handles.add(
            decoder.generate(
                new GenerationRequest(prompt, false, 0, SamplingOptions.greedy(TOKENS)),
                token -> {}));
      }
      for (int i = 0; i < PROMPTS.size(); i++) {
        TokenIds prompt = decoder.tokenizer().encode(PROMPTS.get(i));
        assertThat(await(handles.get(i)).tokens())
            .as("after %s", PROMPTS.get(i))
            .isEqualTo(greedy(reference, prompt, 0));
      }
    }
  }

  private static Generation await(GenerationHandle handle) {
    return Await.result(handle.result());
  }

  private static TokenIds greedy(ReferenceDecoder reference, TokenIds prompt, int end) {
    TokenIds all = prompt;
    for (int t = 0; t < TOKENS; t++) {
      int likeliest = likeliest(reference, all);
      if (likeliest == end) {
        break;
      }
      all = all.concat(TokenIds.of(likeliest));
    }
    return all.slice(prompt.size(), all.size());
  }

  private static int likeliest(ReferenceDecoder reference, TokenIds tokens) {
    double[][] logits = reference.logits(tokens.toArray());
    double[] last = logits[logits.length - 1];
    int likeliest = 0;
    for (int v = 1; v < last.length; v++) {
      likeliest = last[v] > last[likeliest] ? v : likeliest;
    }
    return likeliest;
  }

  @Test
  void everyIdThatEndsATextEndsIt() throws IOException {
    DecoderConfig config = write(DecoderFamily.LLAMA, List.of(0));
    TokenIds prompt;
    TokenIds free;
    try (TorchDecoder decoder = load(folder)) {
      prompt = decoder.tokenizer().encode("x");
      free = greedy(new ReferenceDecoder(config, folder), prompt, 0);
    }
    // the second of the ids is what the model would say third
    write(DecoderFamily.LLAMA, List.of(0, free.get(2)));
    try (TorchDecoder decoder = load(folder)) {
      Generation generation =
          await(
              decoder.generate(
                  new GenerationRequest("x", false, 0, SamplingOptions.greedy(TOKENS)),
                  token -> {}));
      assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
      assertThat(generation.tokens()).isEqualTo(free.slice(0, first(free, free.get(2))));
    }
  }

  private static int first(TokenIds tokens, int id) {
    int at = 0;
    while (tokens.get(at) != id) {
      at++;
    }
    return at;
  }
}
