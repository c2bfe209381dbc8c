package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Texts;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.Generations;
import io.ballast.policy.core.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/** Generates the candidates of one suggestion, side by side. */
final class CandidateGenerator {
  private static final String END = new String("end"); // compared by identity

  private final CallCancellation cancellation;

  CandidateGenerator(CallCancellation cancellation) {
    this.cancellation = cancellation;
  }

  /**
   * Returns {@code count} generations; candidate j draws with the seed of completion j of prompt 0.
   * A single candidate's text goes to {@code listener} as it comes, on the caller's thread; several
   * would be a jumble.
   *
   * @throws CancellationException if nobody waits any more
   */
  List<Generation> generate(
      Decoder decoder,
      String prompt,
      int maxPromptTokens,
      SamplingOptions sampling,
      int count,
      TextListener listener) {
    BlockingQueue<String> deltas = new LinkedBlockingQueue<>();
    Consumer<GeneratedToken> onToken = count == 1 ? token -> deltas.add(token.text()) : token -> {};
    List<GenerationHandle> handles = new ArrayList<>(count);
    try {
      for (int j = 0; j < count; j++) {
        SamplingOptions drawn = sampling.withSeed(Seeds.derive(sampling.seed(), 0, j));
        GenerationHandle handle =
            decoder.generate(new GenerationRequest(prompt, true, maxPromptTokens, drawn), onToken);
        handles.add(handle);
        cancellation.onCancel(handle::cancel);
      }
      if (count == 1) {
        var unused = handles.getFirst().result().whenComplete((done, failed) -> deltas.add(END));
        forward(deltas, listener);
      }
      List<Generation> generations = new ArrayList<>(count);
      for (GenerationHandle handle : handles) {
        Generation generation = Generations.await(handle);
        if (generation.stopReason() == StopReason.CANCELLED || cancellation.cancelled()) {
          throw new CancellationException("the caller left, or its deadline passed");
        }
        generations.add(generation);
      }
      return generations;
    } catch (IllegalArgumentException e) {
      throw Texts.malformed("prompt", String.valueOf(e.getMessage()));
    } finally {
      handles.forEach(GenerationHandle::cancel);
    }
  }

  @SuppressWarnings("ReferenceEquality") // END is one object, equal texts are not
  private static void forward(BlockingQueue<String> deltas, TextListener listener) {
    try {
      for (String delta = deltas.take(); delta != END; delta = deltas.take()) {
        if (!delta.isEmpty()) {
          listener.onText(delta);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while generating");
    }
  }
}
