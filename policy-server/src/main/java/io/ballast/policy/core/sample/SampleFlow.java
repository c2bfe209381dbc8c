package io.ballast.policy.core.sample;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Texts;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.Generations;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.PhaseTimes;
import io.ballast.policy.core.SamplingChoice;
import io.ballast.policy.core.Seeds;
import io.ballast.policy.core.sample.Outcome.Failed;
import io.ballast.policy.core.sample.Outcome.Value;
import io.ballast.policy.core.version.Lease;
import io.ballast.policy.core.version.VersionCatalog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Draws G completions for each of P prompts. All trainers together have a bounded number of
 * generations under way, so that a large call can neither fill the engine's queue nor starve
 * people's suggestions. One prompt that cannot be sampled fails alone.
 */
public final class SampleFlow {
  /** A token takes some 15 bytes of an answer, of which peers take 64 MiB. */
  private static final int MAX_TOKENS = 1 << 22;

  private final VersionCatalog catalog;
  private final CallLimits limits;
  private final Semaphore window;
  private final RandomGenerator seeds;
  private final LongSupplier nanoTime;

  /**
   * @param window the most generations under way, at least 1
   */
  public SampleFlow(
      VersionCatalog catalog,
      CallLimits limits,
      int window,
      RandomGenerator seeds,
      LongSupplier nanoTime) {
    this.catalog = catalog;
    this.limits = limits;
    this.window = new Semaphore(window);
    this.seeds = seeds;
    this.nanoTime = nanoTime;
  }

  /**
   * Samples every prompt.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST for a call that is wrong as a
   *     whole; UNKNOWN_MODEL; OVERLOADED; DEPENDENCY_DOWN if a server behind the engine is away
   * @throws CancellationException if nobody waits any more
   */
  public SampleAnswer sample(SampleCommand command, CallCancellation cancellation) {
    Duration queued = Duration.ofNanos(nanoTime.getAsLong() - command.arrivalNanos());
    validate(command);
    SamplingOptions sampling = command.sampling().resolve(limits, List.of(), seeds.nextLong());
    try (Lease lease = catalog.acquire(command.policy())) {
      SamplingChoice.requireTokensExist(sampling, lease.decoder().tokenizer());
      requireSize(command, sampling, lease.decoder().contextTokens());
      long start = nanoTime.getAsLong();
      List<Outcome<List<Generation>>> groups =
          new Call(command, cancellation, sampling, lease.decoder()).run();
      long end = nanoTime.getAsLong();
      return new SampleAnswer(
          groups,
          lease.version(),
          sampling.seed(),
          new PhaseTimes(
              queued,
              Duration.ofNanos(end - start),
              Duration.ofNanos(end - command.arrivalNanos())));
    }
  }

  private void validate(SampleCommand command) {
    requireItems("prompts", command.prompts().size(), limits.maxItems());
    if (command.completionsCount() < 1 || command.completionsCount() > limits.maxCompletions()) {
      throw Texts.malformed(
          "completions_count",
          "%d (expected: 1 to %d)".formatted(command.completionsCount(), limits.maxCompletions()));
    }
    if (command.maxPromptTokens() < 0) {
      throw Texts.malformed(
          "max_prompt_tokens",
          "%d (expected: at least 0; 0 means as many as fit)".formatted(command.maxPromptTokens()));
    }
  }

  /** An answer is held in memory and sent as one message. */
  private static void requireSize(
      SampleCommand command, SamplingOptions sampling, int contextTokens) {
    int each = Math.min(sampling.maxNewTokens(), contextTokens);
    long tokens = (long) command.prompts().size() * command.completionsCount() * each;
    if (tokens > MAX_TOKENS) {
      throw Texts.malformed(
          "completions_count",
          "%,d prompts of %d completions of up to %,d tokens are %,d tokens (expected: at most %,d a call)"
              .formatted(
                  command.prompts().size(), command.completionsCount(), each, tokens, MAX_TOKENS));
    }
  }

  static void requireItems(String field, int count, int limit) {
    if (count < 1 || count > limit) {
      throw Texts.malformed(field, "%,d items (expected: 1 to %,d)".formatted(count, limit));
    }
  }

  /** One call under way. */
  private final class Call {
    private final SampleCommand command;
    private final CallCancellation cancellation;
    private final SamplingOptions sampling;
    private final Decoder decoder;
    private final ContentReader reader;
    private boolean begun;

    Call(
        SampleCommand command,
        CallCancellation cancellation,
        SamplingOptions sampling,
        Decoder decoder) {
      this.command = command;
      this.cancellation = cancellation;
      this.sampling = sampling;
      this.decoder = decoder;
      this.reader = new ContentReader(decoder.tokenizer(), limits.maxPromptBytes());
    }

    List<Outcome<List<Generation>>> run() {
      List<Outcome<List<GenerationHandle>>> started = new ArrayList<>(command.prompts().size());
      try {
        for (int i = 0; i < command.prompts().size(); i++) {
          started.add(start(i));
        }
        List<Outcome<List<Generation>>> groups = new ArrayList<>(started.size());
        for (int i = 0; i < started.size(); i++) {
          groups.add(finish(i, started.get(i)));
        }
        return groups;
      } finally {
        started.forEach(Call::cancelAll);
      }
    }

    private Outcome<List<GenerationHandle>> start(int prompt) {
      Content content = command.prompts().get(prompt);
      String path = "prompts[" + prompt + "]";
      Outcome<String> text = reader.promptText(path, content, decoder.contextTokens());
      return switch (text) {
        case Failed<String> failed -> new Failed<>(failed.fault());
        case Value<String> value -> {
          boolean heal = command.healCursor() && content instanceof Content.Text;
          yield startGroup(prompt, path, value.value(), heal);
        }
      };
    }

    private Outcome<List<GenerationHandle>> startGroup(
        int prompt, String path, String text, boolean heal) {
      List<GenerationHandle> handles = new ArrayList<>(command.completionsCount());
      try {
        for (int j = 0; j < command.completionsCount(); j++) {
          long seed = Seeds.derive(sampling.seed(), prompt, j);
          handles.add(
              startOne(
                  Generations.of(
                      new GenerationRequest(
                          text, heal, command.maxPromptTokens(), sampling.withSeed(seed)),
                      command.caller(),
                      cancellation)));
        }
        return new Value<>(handles);
      } catch (ModelException e) {
        handles.forEach(GenerationHandle::cancel);
        return failed(path, e);
      } catch (IllegalArgumentException e) {
        handles.forEach(GenerationHandle::cancel);
        return ContentReader.invalid(path + ": " + e.getMessage());
      }
    }

    /**
     * One prompt fails alone, unless no prompt is at fault: the server behind the engine is away.
     */
    private static <T> Outcome<T> failed(String path, ModelException e) {
      if (e.reason() == ModelException.Reason.UNAVAILABLE) {
        throw ModelFaults.toCallFailure(e);
      }
      return new Failed<>(ModelFaults.toItemFault(path, e));
    }

    private GenerationHandle startOne(GenerationRequest request) {
      takePlace();
      GenerationHandle handle;
      try {
        handle = decoder.generate(request, token -> {});
      } catch (RuntimeException e) {
        window.release();
        throw e;
      }
      var unused = handle.result().whenComplete((done, failed) -> window.release());
      cancellation.onCancel(handle::cancel);
      return handle;
    }

    /**
     * Waits for a place as long as the caller does; the first is the one that the call waits for.
     */
    private void takePlace() {
      long start = nanoTime.getAsLong();
      boolean taken;
      try {
        taken =
            window.tryAcquire(
                cancellation.remaining().map(Duration::toNanos).orElse(Long.MAX_VALUE),
                TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancellationException("interrupted while sampling");
      }
      if (!begun) {
        begun = true;
        cancellation.waited(Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - start)));
      }
      if (!taken || cancellation.cancelled()) {
        if (taken) {
          window.release();
        }
        throw new CancellationException("the caller left, or its deadline passed");
      }
    }

    private Outcome<List<Generation>> finish(int prompt, Outcome<List<GenerationHandle>> started) {
      return switch (started) {
        case Failed<List<GenerationHandle>> failed -> new Failed<>(failed.fault());
        case Value<List<GenerationHandle>> value -> {
          try {
            List<Generation> group = new ArrayList<>(value.value().size());
            for (GenerationHandle handle : value.value()) {
              group.add(finishOne(handle));
            }
            yield new Value<>(group);
          } catch (ModelException e) {
            yield failed("prompts[" + prompt + "]", e);
          }
        }
      };
    }

    private Generation finishOne(GenerationHandle handle) {
      Generation generation = Generations.await(handle);
      if (generation.stopReason() == StopReason.CANCELLED) {
        throw new CancellationException("the caller left, or its deadline passed");
      }
      return generation;
    }

    private static void cancelAll(Outcome<List<GenerationHandle>> started) {
      if (started instanceof Value<List<GenerationHandle>> value) {
        value.value().forEach(GenerationHandle::cancel);
      }
    }
  }
}
