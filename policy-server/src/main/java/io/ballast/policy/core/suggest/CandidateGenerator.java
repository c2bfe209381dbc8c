package io.ballast.policy.core.suggest;

import io.ballast.inference.api.BusyException;
import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Caller;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.Generations;
import io.ballast.policy.core.Seeds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Generates the candidates of one suggestion, side by side. */
final class CandidateGenerator {
  private final Caller caller;
  private final CallCancellation cancellation;
  private final LongSupplier nanoTime;

  CandidateGenerator(Caller caller, CallCancellation cancellation, LongSupplier nanoTime) {
    this.caller = caller;
    this.cancellation = cancellation;
    this.nanoTime = nanoTime;
  }

  /**
   * Makes {@code count} generations; candidate j draws with the seed of completion j of prompt 0. A
   * single candidate's text goes to {@code listener} as it comes, on the caller's thread; several
   * would be a jumble. The call has waited until the first token of any of them, and a single one
   * for as long as others have held up those after it: several hold up each other.
   *
   * @throws CancellationException if nobody waits any more
   */
  Candidates generate(
      Decoder decoder,
      String prompt,
      int maxPromptTokens,
      SamplingOptions sampling,
      int count,
      TextListener listener) {
    TextStream stream = new TextStream();
    FirstToken first = new FirstToken(nanoTime);
    Consumer<GeneratedToken> onToken =
        token -> {
          first.drawn();
          if (count == 1) {
            stream.add(token.text());
          }
        };
    List<GenerationHandle> handles = new ArrayList<>(count);
    try {
      for (int j = 0; j < count; j++) {
        SamplingOptions drawn = sampling.withSeed(Seeds.derive(sampling.seed(), 0, j));
        GenerationHandle handle =
            Generations.start(
                decoder,
                Generations.of(
                    new GenerationRequest(prompt, true, maxPromptTokens, drawn),
                    caller,
                    cancellation),
                onToken,
                "prompt");
        handles.add(handle);
        cancellation.onCancel(handle::cancel);
      }
      if (count == 1) {
        stream.forward(handles.getFirst(), listener);
      }
      List<Generation> generations = new ArrayList<>(count);
      List<Candidates.Timed> timed = new ArrayList<>(count);
      for (GenerationHandle handle : handles) {
        Generation generation = Generations.await(handle);
        if (generation.stopReason() == StopReason.CANCELLED || cancellation.cancelled()) {
          throw new CancellationException("the caller left, or its deadline passed");
        }
        generations.add(generation);
        handle.times().ifPresent(times -> timed.add(new Candidates.Timed(generation, times)));
      }
      return new Candidates(
          generations, timed.stream().max(Comparator.comparing(each -> each.times().total())));
    } catch (BusyException e) {
      cancellation.waited(cancellation.remaining().orElse(Duration.ZERO).plus(e.retryDelay()));
      throw e;
    } finally {
      handles.forEach(GenerationHandle::cancel);
      if (!handles.isEmpty()) {
        cancellation.waited(first.after().plus(heldUp(handles)));
      }
    }
  }

  private static Duration heldUp(List<GenerationHandle> handles) {
    return handles.size() == 1 ? handles.getFirst().heldUp() : Duration.ZERO;
  }
}
