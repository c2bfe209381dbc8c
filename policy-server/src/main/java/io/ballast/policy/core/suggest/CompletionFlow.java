package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Texts;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.Caller;
import io.ballast.policy.core.Generations;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.SamplingChoice;
import io.ballast.policy.core.VersionSelector;
import io.ballast.policy.core.version.Lease;
import io.ballast.policy.core.version.VersionCatalog;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.random.RandomGenerator;

/**
 * Continues a prompt by one version, and nothing else: neither gate nor judges are asked, nothing
 * is recorded. It is for who measures or compares policies; what people see comes by {@link
 * SuggestFlow}.
 */
public final class CompletionFlow {
  private final VersionCatalog catalog;
  private final CallLimits limits;
  private final RandomGenerator seeds;

  /**
   * @param seeds draws the seeds of requests that name none; must be safe for use by many threads
   */
  public CompletionFlow(VersionCatalog catalog, CallLimits limits, RandomGenerator seeds) {
    this.catalog = catalog;
    this.limits = limits;
    this.seeds = seeds;
  }

  /**
   * Returns the completion, whose text has gone to {@code listener} as it came.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, UNKNOWN_MODEL, OVERLOADED
   * @throws CancellationException if nobody waits any more
   */
  public Generation complete(
      Caller caller,
      VersionSelector policy,
      String prompt,
      SamplingChoice choice,
      TextListener listener,
      CallCancellation cancellation) {
    requirePrompt(prompt);
    SamplingOptions sampling = choice.resolve(limits, List.of(), seeds.nextLong());
    try (Lease lease = catalog.acquire(policy)) {
      SamplingChoice.requireTokensExist(sampling, lease.decoder().tokenizer());
      return generate(
          lease,
          Generations.of(new GenerationRequest(prompt, false, 0, sampling), caller),
          listener,
          cancellation);
    } catch (ModelException e) {
      throw ModelFaults.toCallFailure(e);
    } catch (IllegalArgumentException e) {
      throw Texts.malformed("text_input", String.valueOf(e.getMessage()));
    }
  }

  private static Generation generate(
      Lease lease,
      GenerationRequest request,
      TextListener listener,
      CallCancellation cancellation) {
    TextStream stream = new TextStream();
    GenerationHandle handle = lease.decoder().generate(request, token -> stream.add(token.text()));
    try {
      cancellation.onCancel(handle::cancel);
      stream.forward(handle, listener);
      Generation generation = Generations.await(handle);
      if (generation.stopReason() == StopReason.CANCELLED || cancellation.cancelled()) {
        throw new CancellationException("the caller left, or its deadline passed");
      }
      return generation;
    } finally {
      handle.cancel();
    }
  }

  private void requirePrompt(String prompt) {
    if (prompt.isEmpty()) {
      throw Texts.malformed("text_input", "empty (expected: at least one token)");
    }
    int bytes = Texts.utf8Bytes(prompt);
    if (bytes > limits.maxPromptBytes()) {
      throw Texts.malformed(
          "text_input", "%,d bytes, limit %,d".formatted(bytes, limits.maxPromptBytes()));
    }
  }
}
