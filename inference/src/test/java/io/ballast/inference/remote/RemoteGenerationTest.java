package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.RemoteGeneration.Finish;
import io.ballast.inference.remote.RemoteGeneration.Told;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Text and end follow from the tokens; the back end is believed where they say nothing. */
class RemoteGenerationTest {
  private static final Tokenizer TOKENIZER = new ByteTokenizer();
  private static final Optional<Finish> GOES_ON = Optional.empty();
  private static final Optional<Finish> STOP = Optional.of(Finish.of("stop"));

  private final List<GeneratedToken> streamed = new ArrayList<>();

  private RemoteGeneration generation(SamplingOptions.Builder options) {
    return new RemoteGeneration(
        "model 'm'",
        options.temperature(0).maxNewTokens(8).build(),
        TOKENIZER,
        TokenIds.of(1),
        streamed::add);
  }

  private static SamplingOptions.Builder plain() {
    return SamplingOptions.builder();
  }

  private static SamplingOptions.Builder stops(String... stops) {
    return SamplingOptions.builder().stopStrings(List.of(stops));
  }

  private static List<Told> told(String text) {
    List<Told> told = new ArrayList<>();
    for (char c : text.toCharArray()) {
      told.add(new Told(c + 1, -1));
    }
    return told;
  }

  private static Generation result(RemoteGeneration generation) {
    assertThat(generation.result()).isDone();
    return generation.result().join();
  }

  @Test
  void aStopWithoutAStopStringInTheTokensIsTheEndOfText() {
    RemoteGeneration generation = generation(stops("}"));
    generation.add(told("abc"), "abc", STOP);

    assertThat(result(generation).stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void aStopStringInTheTokensIsTheEndWhateverTheBackEndSays() {
    RemoteGeneration told = generation(stops("}"));
    told.add(told("ab}"), "ab", STOP);
    assertThat(result(told).stopReason()).isEqualTo(StopReason.STOP_STRING);
    assertThat(result(told).text()).isEqualTo("ab");
    assertThat(result(told).tokens()).isEqualTo(TOKENIZER.encode("ab}"));

    RemoteGeneration goesOn = generation(stops("b}"));
    goesOn.add(told("ab"), "ab", GOES_ON);
    goesOn.add(told("}c"), "}c", GOES_ON);
    assertThat(result(goesOn).stopReason()).isEqualTo(StopReason.STOP_STRING);
    assertThat(result(goesOn).text()).isEqualTo("a");
    assertThat(result(goesOn).tokens()).isEqualTo(TOKENIZER.encode("ab}"));
  }

  @Test
  void textThatMayBeginAStopStringIsHeldBack() {
    RemoteGeneration generation = generation(stops("b}"));
    generation.add(told("ab"), "ab", GOES_ON);
    generation.add(told("c"), "c", STOP);

    assertThat(streamed).extracting(GeneratedToken::text).containsExactly("a", "", "bc");
    assertThat(result(generation).text()).isEqualTo("abc");
  }

  @Test
  void whatTheBackEndKnowsOfTheEndIsBelieved() {
    RemoteGeneration string = generation(stops("}"));
    string.add(
        told("ab"), "ab", Optional.of(new Finish("stop", OptionalInt.empty(), Optional.of("}"))));
    assertThat(result(string).stopReason()).isEqualTo(StopReason.STOP_STRING);

    RemoteGeneration token = generation(plain().stopTokenIds(List.of(7)));
    token.add(
        told("ab"), "ab", Optional.of(new Finish("stop", OptionalInt.of(7), Optional.empty())));
    assertThat(result(token).stopReason()).isEqualTo(StopReason.STOP_TOKEN);

    RemoteGeneration end = generation(plain().stopTokenIds(List.of(7)));
    end.add(told("ab"), "ab", STOP);
    assertThat(result(end).stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void aTokenThatOnlyTheBackEndKnowsToEndTextsIsNoPartOfTheCompletion() {
    RemoteGeneration generation = generation(plain());
    generation.add(
        told("ab"),
        "a",
        Optional.of(new Finish("stop", OptionalInt.of('b' + 1), Optional.empty())));

    assertThat(result(generation).tokens()).isEqualTo(TOKENIZER.encode("a"));
    assertThat(result(generation).stopReason()).isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void theFirstTokenThatEndsATextEndsItAlsoWhereTheBackEndGoesOn() {
    RemoteGeneration generation = generation(plain().stopTokenIds(List.of('x' + 1)));
    generation.add(told("axb"), "axb", GOES_ON);
    assertThat(result(generation).stopReason()).isEqualTo(StopReason.STOP_TOKEN);
    assertThat(result(generation).text()).isEqualTo("a");
    assertThat(streamed).hasSize(1);

    generation.add(told("c"), "c", GOES_ON);
    assertThat(streamed).as("after the end").hasSize(1);
  }

  @Test
  void aLengthThatWasNotAskedForIsAFullContext() {
    RemoteGeneration full = generation(plain());
    full.add(told("ab"), "ab", Optional.of(Finish.of("length")));
    assertThat(result(full).stopReason()).isEqualTo(StopReason.CONTEXT_FULL);

    RemoteGeneration most = generation(plain());
    most.add(told("abcdefgh"), "abcdefgh", Optional.of(Finish.of("length")));
    assertThat(result(most).stopReason()).isEqualTo(StopReason.MAX_TOKENS);
  }

  @Test
  void textThatTheTokensDoNotSpellIsBroken() {
    RemoteGeneration generation = generation(plain());
    assertThatThrownBy(() -> generation.add(told("ab"), "ax", GOES_ON))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessageStartingWith("the text 'ax' after 0 tokens is not what the tokens told spell");
  }

  @Test
  void anEndInUnknownWordsIsBroken() {
    RemoteGeneration generation = generation(plain());
    assertThatThrownBy(() -> generation.add(told("a"), "a", Optional.of(Finish.of("abort"))))
        .isInstanceOf(ModelException.class)
        .hasMessage("the back end ended with 'abort' (expected: stop or length)");
  }

  @Test
  void aFailureWaitsForTokensThatAreBeingAdded() throws InterruptedException {
    CountDownLatch adding = new CountDownLatch(1);
    CountDownLatch failing = new CountDownLatch(1);
    CompletableFuture<Boolean> overBeforeTheToken = new CompletableFuture<>();
    CompletableFuture<RemoteGeneration> self = new CompletableFuture<>();
    RemoteGeneration generation =
        new RemoteGeneration(
            "model 'm'",
            SamplingOptions.greedy(8),
            TOKENIZER,
            TokenIds.of(1),
            token -> {
              adding.countDown();
              await(failing);
              overBeforeTheToken.complete(self.join().result().isDone());
            });
    self.complete(generation);
    Thread adder = Thread.startVirtualThread(() -> generation.add(told("ab"), "ab", GOES_ON));
    adding.await();
    Thread failer =
        Thread.startVirtualThread(
            () -> {
              failing.countDown();
              generation.fail(new ModelException(Reason.UNAVAILABLE, "late"));
            });
    adder.join();
    failer.join();

    assertThat(overBeforeTheToken.join()).isFalse();
    assertThat(generation.result()).isCompletedExceptionally();
  }

  @Test
  void aCallerThatLeavesIsNotHeldUpByTheThreadThatAdds() throws InterruptedException {
    CountDownLatch adding = new CountDownLatch(1);
    CountDownLatch left = new CountDownLatch(1);
    RemoteGeneration generation =
        new RemoteGeneration(
            "model 'm'",
            SamplingOptions.greedy(8),
            TOKENIZER,
            TokenIds.of(1),
            token -> {
              adding.countDown();
              await(left);
            });
    generation.onCancel(left::countDown);
    Thread adder = Thread.startVirtualThread(() -> generation.add(told("a"), "a", GOES_ON));
    adding.await();

    generation.cancel(); // would wait for ever if it needed what the adder holds

    adder.join();
    generation.ended();
    assertThat(result(generation).stopReason()).isEqualTo(StopReason.CANCELLED);
    assertThat(result(generation).text()).isEqualTo("a");
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
