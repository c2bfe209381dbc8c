package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.grammar.Grammar;
import io.ballast.inference.search.Beam;
import io.ballast.inference.search.BeamOptions;
import io.ballast.inference.search.BeamSearch;
import io.ballast.inference.search.BestOfN;
import io.ballast.inference.search.NextTokenModel.Alternative;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What sampling options do to the completions of a decoder that has learned nothing. */
class SamplingOptionsInDecoderTest {
  private static final int BYTE_A = 'a' + 1; // ids 1 to 256 are the bytes

  @TempDir private static Path folder;
  private static HuggingFaceTokenizerAdapter tokenizer;
  private static TrainableDecoder learner;
  private static TorchDecoder decoder;

  @BeforeAll
  static void start() throws IOException {
    TorchRuntime.setThreads(1);
    tokenizer = HuggingFaceTokenizerAdapter.load(TinyTokenizer.writeWithSpecial(folder), 0);
    learner =
        TinyModels.trainable(
            new DecoderConfig(
                16, 24, 1, 2, 1, TinyTokenizer.specialId() + 1, 160, 1e-5, 10_000, true, 0, 0),
            Arithmetic.FLOAT32);
    try (WeightsSnapshot weights = learner.snapshot()) {
      decoder =
          TorchDecoder.of(weights, tokenizer, new ServingOptions(Arithmetic.FLOAT32, 8, 64, 256));
    }
  }

  @AfterAll
  static void close() {
    decoder.close();
    learner.close();
    tokenizer.close();
  }

  private static SamplingOptions.Builder options() {
    return SamplingOptions.builder().maxNewTokens(40);
  }

  private static Generation generate(SamplingOptions.Builder options) {
    return generate("int x", false, options);
  }

  private static Generation generate(String prompt, boolean heal, SamplingOptions.Builder options) {
    return await(
        decoder.generate(new GenerationRequest(prompt, heal, 0, options.build()), token -> {}));
  }

  private static Generation await(GenerationHandle handle) {
    return Await.result(handle.result());
  }

  private static void assertNoTokenLeft(SamplingOptions.Builder options, String message) {
    assertThatThrownBy(() -> generate(options))
        .hasRootCauseInstanceOf(ModelException.class)
        .hasRootCauseMessage(message)
        .rootCause()
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(ModelException.Reason.NO_TOKEN_LEFT);
  }

  @Test
  void optionsThatChangeNothingDrawTheSameTokens() {
    Generation plain = generate(options().seed(3));
    for (SamplingOptions.Builder same :
        List.of(
            options().topK(100_000),
            options().logitBias(Map.of(BYTE_A, 0.0)),
            options().minP(1e-12),
            options().presencePenalty(0).logitBias(Map.of(7, 0.0, 9, 0.0)))) {
      Generation generation = generate(same.seed(3));
      assertThat(generation.tokens()).isEqualTo(plain.tokens());
      assertThat(generation.samplingLogProbs().toArray())
          .containsExactly(plain.samplingLogProbs().toArray(), within(1e-5f));
    }
  }

  @Test
  void everyOptionDrawsTheSameAgainAndAmongOthers() {
    List<SamplingOptions> all = new ArrayList<>();
    for (long seed = 0; seed < 3; seed++) {
      all.add(options().seed(seed).minP(0.3).build());
      all.add(options().seed(seed).topP(0.5).repetitionPenalty(1.3).build());
      all.add(options().seed(seed).presencePenalty(1).frequencyPenalty(0.5).topK(9).build());
      all.add(options().seed(seed).temperature(0.7).grammar(Grammar.regex("[a-f]*x")).build());
    }
    List<GenerationRequest> requests =
        all.stream().map(o -> new GenerationRequest("int x", false, 0, o)).toList();
    List<Generation> alone =
        requests.stream().map(r -> await(decoder.generate(r, token -> {}))).toList();
    List<GenerationHandle> together =
        requests.stream().map(r -> decoder.generate(r, token -> {})).toList();
    for (int i = 0; i < all.size(); i++) {
      assertThat(await(together.get(i)).tokens())
          .as("%s", all.get(i))
          .isEqualTo(alone.get(i).tokens());
    }
  }

  @Test
  void logProbsAreTheModelsAndSamplingLogProbsThoseOfTheLastDistribution() {
    Generation generation = generate(options().topK(1).temperature(2).repetitionPenalty(1.5));
    PerToken model =
        decoder
            .logProbs(
                List.of(new PromptAndCompletion(generation.promptTokens(), generation.tokens())))
            .getFirst();
    assertThat(generation.logProbs().toArray()).containsExactly(model.toArray(), within(1e-4f));
    assertThat(generation.samplingLogProbs().sum()).isZero(); // one token is left each time
  }

  @Test
  void aBiasDecidesAndAPenaltyKeepsTokensApart() {
    Generation biased = generate(options().logitBias(Map.of(BYTE_A, 100.0)));
    assertThat(biased.text()).isEqualTo("a".repeat(40));
    Generation apart = generate(options().temperature(0).presencePenalty(2).frequencyPenalty(2));
    int[] tokens = apart.tokens().toArray();
    HashSet<Integer> different = new HashSet<>();
    Arrays.stream(tokens).forEach(different::add);
    assertThat(different).hasSize(tokens.length);
  }

  @Test
  void stopTokensEndWithoutBeingPartOfTheCompletion() {
    SamplingOptions.Builder toA = options().logitBias(Map.of(BYTE_A, 100.0));
    Generation stopped = generate(toA.stopTokenIds(List.of(BYTE_A)));
    assertThat(stopped.stopReason()).isEqualTo(StopReason.STOP_TOKEN);
    assertThat(stopped.tokens().size()).isZero();
    Generation later = generate(toA.minNewTokens(5).logitBias(Map.of(BYTE_A, 100.0)));
    assertThat(later.stopReason()).isEqualTo(StopReason.STOP_TOKEN);
    assertThat(later.tokens().size()).isEqualTo(5);
  }

  @Test
  void theEndOfTextWaitsForTheFewestTokens() {
    Generation ended = generate(options().logitBias(Map.of(0, 100.0)).minNewTokens(7));
    assertThat(ended.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
    assertThat(ended.tokens().size()).isEqualTo(7);
  }

  @Test
  void tokensOutsideTheVocabularyAreRefusedByName() {
    assertThatThrownBy(() -> generate(options().logitBias(Map.of(9_999, 1.0))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("logit_bias: token 9999 (expected: below the vocabulary's size, 269)");
    assertThatThrownBy(() -> generate(options().stopTokenIds(List.of(269))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("stop_token_ids: 269 (expected: below the vocabulary's size, 269)");
  }

  @Test
  void aGrammarHoldsAndTellsWhenItIsComplete() {
    Grammar grammar = Grammar.regex("(int|long) [a-z]{1,3} = (println\\(\\)|\\d);");
    for (long seed = 0; seed < 20; seed++) {
      Generation generation = generate(options().grammar(grammar).seed(seed));
      assertThat(generation.text()).matches("(int|long) [a-z]{1,3} = (println\\(\\)|\\d);");
      assertThat(generation.stopReason()).isEqualTo(StopReason.GRAMMAR_COMPLETE);
      assertThat(generation.samplingLogProbs().sum()).isFinite().isLessThan(0);
    }
  }

  @Test
  void aGrammarHoldsInEveryCompanyOfOtherOptions() {
    Grammar grammar = Grammar.regex("[a-d]{4,}(\\(\\);)?");
    for (SamplingOptions.Builder options :
        List.of(
            options().temperature(0),
            options().temperature(10),
            options().temperature(0.01),
            options().topK(1),
            options().topP(0.01),
            options().minP(1),
            options().repetitionPenalty(10),
            options().logitBias(Map.of('d' + 1, -100.0, 'z' + 1, 100.0)),
            options().minNewTokens(6))) {
      Generation generation = generate(options.grammar(grammar));
      assertThat(generation.text()).as("%s", options.build()).matches("[a-d]{4,}(\\(\\);)?");
    }
  }

  @Test
  void underAGrammarTheDistributionIsTheModelsAmongWhatIsAllowed() {
    GrammarConstraint constraint =
        new GrammarConstraint(Grammar.regex("[a-f]|pr").machine(), new VocabularyIndex(tokenizer));
    BitSet allowed = constraint.allowed(constraint.start());
    TokenIds prompt = tokenizer.encode("int x");
    List<Alternative> all = decoder.alternatives(List.of(prompt), 1_000).getFirst();
    List<Alternative> possible = all.stream().filter(a -> allowed.get(a.tokenId())).toList();
    assertThat(possible).hasSize(8); // a to f, p, pr
    for (int topK : new int[] {0, 3}) { // the grammar first, then the likeliest of what it leaves
      List<Alternative> left = topK == 0 ? possible : possible.subList(0, topK);
      double mass = left.stream().mapToDouble(a -> Math.exp(a.logProb() / 0.5)).sum();
      for (long seed = 0; seed < 12; seed++) {
        Generation generation =
            generate(
                options()
                    .temperature(0.5)
                    .topK(topK)
                    .grammar(Grammar.regex("[a-f]|pr"))
                    .seed(seed));
        int drawn = generation.tokens().get(0);
        Alternative expected =
            left.stream().filter(a -> a.tokenId() == drawn).findFirst().orElseThrow();
        assertThat(generation.logProbs().get(0)).isCloseTo(expected.logProb(), within(1e-4f));
        assertThat(generation.samplingLogProbs().get(0))
            .isCloseTo((float) (expected.logProb() / 0.5 - Math.log(mass)), within(1e-4f));
      }
    }
  }

  @Test
  void aDocumentSatisfiesItsSchema() throws JsonProcessingException {
    Grammar grammar =
        Grammar.jsonSchema(
            """
            {"type":"object","required":["n","ok"],"properties":{
              "n":{"type":"integer","minimum":1,"maximum":99},
              "s":{"type":"string","maxLength":3},
              "ok":{"type":"boolean"}}}
            """);
    for (long seed = 0; seed < 10; seed++) {
      Generation generation = generate(options().maxNewTokens(80).grammar(grammar).seed(seed));
      assertThat(generation.stopReason()).isEqualTo(StopReason.GRAMMAR_COMPLETE);
      var document = new ObjectMapper().readTree(generation.text());
      assertThat(document.get("n").asInt()).isBetween(1, 99);
      assertThat(document.get("ok").isBoolean()).isTrue();
    }
  }

  @Test
  void textThatTheTokensDoNotSufficeForIsMarkedIncomplete() {
    Generation cut = generate(options().maxNewTokens(5).grammar(Grammar.regex("a{20}")));
    assertThat(cut.stopReason()).isEqualTo(StopReason.GRAMMAR_INCOMPLETE);
    assertThat(cut.text()).isEqualTo("aaaaa");
    Generation whole =
        generate(options().maxNewTokens(5).grammar(Grammar.regex("a*")).minNewTokens(5));
    assertThat(whole.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
  }

  @Test
  void theTextMayEndOnlyWhereTheGrammarAccepts() {
    // the end of text is what the model would take at once
    Generation generation =
        generate(options().grammar(Grammar.regex("(ab)+")).logitBias(Map.of(0, 100.0)));
    assertThat(generation.text()).isEqualTo("ab");
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void aTypedTokenIsHealedBeforeTheGrammarBegins() {
    // "pri" is typed; print and println reach past it, as does pri itself
    Grammar grammar = Grammar.regex("(nt|ntln)\\(\\);");
    for (long seed = 0; seed < 10; seed++) {
      Generation generation = generate("x = pri", true, options().grammar(grammar).seed(seed));
      assertThat(generation.text()).isIn("nt();", "ntln();");
      assertThat(tokenizer.decode(generation.tokens())).isEqualTo("pri" + generation.text());
      assertThat(generation.stopReason()).isEqualTo(StopReason.GRAMMAR_COMPLETE);
    }
  }

  @Test
  void aStopStringEndsBeforeTheGrammarIsComplete() {
    Generation generation =
        generate(options().grammar(Grammar.regex("aab{9}")).stopStrings(List.of("bb")));
    assertThat(generation.text()).isEqualTo("aa");
    assertThat(generation.stopReason()).isEqualTo(StopReason.STOP_STRING);
  }

  @Test
  void aGrammarThatEndsBeforeTheFewestTokensLeavesNoTokenForThisRequestAlone() {
    GenerationHandle neighbour =
        decoder.generate(new GenerationRequest("x", false, 0, options().build()), token -> {});
    assertNoTokenLeft(
        options().grammar(Grammar.regex("ab")).minNewTokens(10),
        "the sampling options leave no token to draw");
    assertThat(await(neighbour).tokens().size()).isPositive();
  }

  @Test
  void tokensWithoutTextAreNeverDrawnUnderAGrammar() {
    int special = TinyTokenizer.specialId();
    assertThat(tokenizer.bytesOf(special)).isEmpty();
    // it is what the model would draw all the time
    SamplingOptions.Builder eager = options().logitBias(Map.of(special, 100.0));
    assertThat(generate(eager).tokens().get(0)).isEqualTo(special);
    for (String pattern : List.of("[🎈-🎊é]{5}", "x{10}", "[^a]{3,}z")) {
      Generation generation = generate(eager.grammar(Grammar.regex(pattern)));
      assertThat(generation.tokens().toArray()).as(pattern).isNotEmpty().doesNotContain(special);
    }
  }

  @Test
  void whatAMachineReadsIsFoundAsByReadingEachTokenAlone() {
    VocabularyIndex vocabulary = new VocabularyIndex(tokenizer);
    SplittableRandom random = new SplittableRandom(2);
    for (String pattern :
        List.of(
            "(print|pr|println)*x", "[a-z();]*", "\\s{0,3}in?", ".*", "é|ln|\\(\\);", "p.{3}")) {
      GrammarConstraint constraint =
          new GrammarConstraint(Grammar.regex(pattern).machine(), vocabulary);
      int state = constraint.start();
      for (int step = 0; step < 6 && !constraint.finished(state); step++) {
        BitSet slowly = new BitSet();
        for (int id = 0; id < vocabulary.size(); id++) {
          byte[] bytes = vocabulary.bytesOf(id);
          int at = state;
          for (int i = 0; i < bytes.length && at >= 0; i++) {
            at = constraint.machine().step(at, bytes[i] & 0xFF);
          }
          slowly.set(id, bytes.length > 0 && at >= 0);
        }
        assertThat(constraint.allowed(state))
            .as("%s, state %s", pattern, state)
            .isEqualTo(slowly)
            .isSameAs(constraint.allowed(state));
        int[] choices = slowly.stream().toArray();
        state = constraint.next(state, choices[random.nextInt(choices.length)]);
      }
    }
  }

  @Test
  void textOfTokensIsWhatTheGrammarSaw() {
    // characters of several tokens, tokens of several characters
    Grammar grammar = Grammar.regex("([🎈-🎊é]|print(ln)?\\(\\);){3}");
    for (long seed = 0; seed < 10; seed++) {
      Generation generation = generate(options().grammar(grammar).seed(seed));
      assertThat(grammar.matches(generation.text())).as(generation.text()).isTrue();
      assertThat(tokenizer.decode(generation.tokens())).isEqualTo(generation.text());
    }
  }

  private static List<String> pieces(SamplingOptions.Builder options) {
    List<String> pieces = Collections.synchronizedList(new ArrayList<>());
    Generation generation =
        await(
            decoder.generate(
                new GenerationRequest("int x", false, 0, options.build()),
                token -> pieces.add(token.text())));
    assertThat(String.join("", pieces)).isEqualTo(generation.text());
    return pieces;
  }

  @Test
  void aCharacterOfFourTokensIsHeldBackUntilItIsComplete() {
    List<String> pieces = pieces(options().grammar(Grammar.regex("[🎈-🎊]{3}")).seed(5));
    assertThat(pieces).hasSize(12);
    for (int i = 0; i < pieces.size(); i++) {
      assertThat(pieces.get(i)).isIn(i % 4 == 3 ? List.of("🎈", "🎉", "🎊") : List.of(""));
    }
  }

  @Test
  void bytesThatAreNoTextBecomeReplacementCharactersAndNeverHalves() {
    int firstOfFour = 0xF0 + 1;
    List<String> never = pieces(options().maxNewTokens(6).logitBias(Map.of(firstOfFour, 100.0)));
    assertThat(never).containsExactly("", "\uFFFD", "\uFFFD", "\uFFFD", "\uFFFD", "\uFFFD\uFFFD");
    // bytes at random: whatever comes, it is text as UTF-8 decoders agree
    for (long seed = 0; seed < 20; seed++) {
      for (String piece : pieces(options().temperature(10).seed(seed))) {
        assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(piece)).as(piece).isTrue();
      }
    }
  }

  @Test
  void alternativesAreTheTeacherForcedLogProbsOfEveryToken() {
    TokenIds shorter = tokenizer.encode("int");
    TokenIds longer = tokenizer.encode("int x = print");
    List<List<Alternative>> all = decoder.alternatives(List.of(shorter, longer), 1_000);
    for (int i = 0; i < 2; i++) {
      TokenIds text = i == 0 ? shorter : longer;
      assertThat(all.get(i)).hasSize(tokenizer.vocabularySize());
      double sum = 0;
      float before = 0;
      for (Alternative each : all.get(i)) {
        assertThat(each.logProb()).isLessThanOrEqualTo(before);
        before = each.logProb();
        sum += Math.exp(each.logProb());
      }
      assertThat(sum).isCloseTo(1, within(1e-4));
      for (Alternative each : all.get(i).subList(0, 3)) {
        PromptAndCompletion forced = new PromptAndCompletion(text, TokenIds.of(each.tokenId()));
        assertThat(decoder.logProbs(List.of(forced)).getFirst().get(0))
            .isCloseTo(each.logProb(), within(1e-4f));
      }
    }
    assertThatThrownBy(() -> decoder.alternatives(List.of(shorter, TokenIds.of()), 1))
        .hasMessage("texts[1]: 0 tokens (expected: 1 to 160)");
  }

  @Test
  void beamsOfTheDecoderHaveTheirTeacherForcedLogProb() {
    TokenIds prompt = tokenizer.encode("int x");
    List<Beam> beams =
        new BeamSearch(decoder).search(prompt, new BeamOptions(4, 4, 1, 6, Set.of(0)));
    assertThat(beams)
        .hasSize(4)
        .isSortedAccordingTo((a, b) -> Double.compare(b.score(), a.score()));
    for (Beam beam : beams) {
      TokenIds whole = beam.ended() ? beam.tokens().concat(TokenIds.of(0)) : beam.tokens();
      assertThat(decoder.logProbs(List.of(new PromptAndCompletion(prompt, whole))).getFirst().sum())
          .isCloseTo(beam.logProb(), within(1e-3));
    }
    Generation greedy = generate(options().temperature(0).maxNewTokens(6));
    Beam one =
        new BeamSearch(decoder).search(prompt, new BeamOptions(1, 1, 1, 6, Set.of())).getFirst();
    assertThat(one.tokens()).isEqualTo(greedy.tokens());
  }

  @Test
  void theBestOfSeveralHasTheHighestMeanLogProb() {
    GenerationRequest request = new GenerationRequest("int x", false, 0, options().seed(4).build());
    BestOfN five = BestOfN.byMeanLogProb(decoder, request, 5);
    assertThat(five.completions()).hasSize(5);
    for (Generation each : five.completions()) {
      assertThat(each.logProbs().sum() / each.tokens().size())
          .isLessThanOrEqualTo(five.best().logProbs().sum() / five.best().tokens().size());
    }
    BestOfN one = BestOfN.byMeanLogProb(decoder, request, 1);
    assertThat(one.best().tokens()).isEqualTo(five.completions().getFirst().tokens());
    assertThatThrownBy(() -> BestOfN.byMeanLogProb(decoder, request, 0))
        .hasMessage("n: 0 (expected: ≥ 1)");
    GenerationRequest stuck =
        new GenerationRequest(
            "x", false, 0, options().grammar(Grammar.regex("a")).minNewTokens(3).build());
    assertThatThrownBy(() -> BestOfN.byMeanLogProb(decoder, stuck, 2))
        .isInstanceOf(ModelException.class);
  }
}
