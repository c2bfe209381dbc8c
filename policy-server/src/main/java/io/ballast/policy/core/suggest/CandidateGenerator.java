package io.ballast.policy.core.suggest;

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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;

/** Generates the candidates of one suggestion, side by side. */
final class CandidateGenerator {
  private final Caller caller;
  private final CallCancellation cancellation;

  CandidateGenerator(Caller caller, CallCancellation cancellation) {
    this.caller = caller;
    this.cancellation = cancellation;
  }

  /**
   * Makes {@code count} generations; candidate j draws with the seed of completion j of prompt 0. A
   * single candidate's text goes to {@code listener} as it comes, on the caller's thread; several
   * would be a jumble.
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
    Consumer<GeneratedToken> onToken = count == 1 ? token -> stream.add(token.text()) : token -> {};
    List<GenerationHandle> handles = new ArrayList<>(count);
    try {
      for (int j = 0; j < count; j++) {
        SamplingOptions drawn = sampling.withSeed(Seeds.derive(sampling.seed(), 0, j));
        GenerationHandle handle =
            Generations.start(
                decoder,
                Generations.of(new GenerationRequest(prompt, true, maxPromptTokens, drawn), caller),
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
    } finally {
      handles.forEach(GenerationHandle::cancel);
    }
  }
}
