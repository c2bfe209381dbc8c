package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.CallCancellation;
import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.learner.PromptSample.Failed;
import io.ballast.orchestrator.core.learner.PromptSample.Reason;
import io.ballast.orchestrator.core.learner.PromptSample.Sampled;
import io.ballast.orchestrator.core.learner.SampleCommand.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;

/**
 * Draws G completions for each prompt, those of one prompt together, so that the engine computes
 * the prompt once. One prompt that cannot be sampled from fails alone.
 */
final class SessionSampler {
  private final Decoder decoder;
  private final SampleCommand command;
  private final Semaphore window;
  private final List<GenerationHandle> started = new CopyOnWriteArrayList<>();
  private volatile boolean cancelled;

  /**
   * @param window the most generations under way, at least G
   */
  SessionSampler(Decoder decoder, SampleCommand command, int window) {
    this.decoder = decoder;
    this.command = command;
    this.window = new Semaphore(window);
  }

  /**
   * Samples every prompt.
   *
   * @throws CancellationException if nobody waits any more; everything under way is cancelled
   */
  List<PromptSample> run(CallCancellation cancellation) {
    cancellation.onCancel(this::cancel);
    try {
      List<Pending> pending = new ArrayList<>();
      for (int i = 0; i < command.prompts().size(); i++) {
        pending.add(start(i));
      }
      List<PromptSample> samples = new ArrayList<>();
      for (Pending group : pending) {
        samples.add(finish(group));
      }
      return samples;
    } finally {
      started.forEach(GenerationHandle::cancel); // does nothing to those that have ended
    }
  }

  private void cancel() {
    cancelled = true;
    started.forEach(GenerationHandle::cancel);
  }

  /** A group under way, or why there is none. */
  private sealed interface Pending {
    record Started(String path, List<GenerationHandle> handles) implements Pending {}

    record Refused(Failed failure) implements Pending {}
  }

  private Pending start(int index) {
    String path = "prompts[" + index + "]";
    try {
      String text = textOf(command.prompts().get(index));
      List<GenerationHandle> handles =
          startGroup(
              new GenerationRequest(text, false, command.maxPromptTokens(), command.sampling())
                  .withSeed(Seeds.derive(command.sampling().seed(), index)));
      return new Pending.Started(path, handles);
    } catch (IllegalArgumentException e) {
      return refused(Reason.INVALID_INPUT, path, e);
    } catch (ModelException e) {
      return refused(reasonOf(e), path, e);
    }
  }

  private String textOf(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Text(String text) -> text;
      case Prompt.Tokens(TokenIds tokens) -> {
        int size = decoder.tokenizer().vocabularySize();
        for (int t = 0; t < tokens.size(); t++) {
          if (tokens.get(t) < 0 || tokens.get(t) >= size) {
            throw new IllegalArgumentException(
                "tokens[%d]: %d (expected: ≥ 0 and < %,d)".formatted(t, tokens.get(t), size));
          }
        }
        TokenIds rest = decoder.tokenizer().withoutBeginning(tokens);
        String text = decoder.tokenizer().decode(rest);
        if (!decoder.tokenizer().encode(text).equals(rest)) {
          throw new IllegalArgumentException(
              "the tokenizer splits the text of these tokens in another way; send the text");
        }
        yield text;
      }
      case Prompt.Absent() ->
          throw new IllegalArgumentException("neither text nor tokens (expected: one of them)");
    };
  }

  private List<GenerationHandle> startGroup(GenerationRequest request) {
    int count = command.completionsCount();
    try {
      window.acquire(count);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while sampling");
    }
    if (cancelled) {
      throw new CancellationException("the caller left, or its deadline passed");
    }
    List<GenerationHandle> handles;
    try {
      handles = decoder.generate(request, count);
    } catch (RuntimeException e) {
      window.release(count);
      throw e;
    }
    for (GenerationHandle handle : handles) {
      var unused = handle.result().whenComplete((done, failed) -> window.release());
      started.add(handle);
    }
    if (cancelled) { // while they were being started
      handles.forEach(GenerationHandle::cancel);
    }
    return handles;
  }

  private static PromptSample finish(Pending pending) {
    return switch (pending) {
      case Pending.Refused(Failed failure) -> failure;
      case Pending.Started(String path, List<GenerationHandle> handles) -> {
        try {
          List<Generation> completions = new ArrayList<>();
          for (GenerationHandle handle : handles) {
            completions.add(await(handle));
          }
          yield new Sampled(completions);
        } catch (ModelException e) {
          yield new Failed(reasonOf(e), path + ": " + e.getMessage());
        }
      }
    };
  }

  private static Generation await(GenerationHandle handle) {
    try {
      Generation generation = handle.result().get();
      if (generation.stopReason() == StopReason.CANCELLED) {
        throw new CancellationException("the caller left, or its deadline passed");
      }
      return generation;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while sampling");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ModelException known) {
        throw known;
      }
      throw new ModelException(
          ModelException.Reason.BROKEN, "the engine failed: " + e.getCause(), e);
    }
  }

  private static Pending refused(Reason reason, String path, RuntimeException e) {
    return new Pending.Refused(new Failed(reason, path + ": " + e.getMessage()));
  }

  private static Reason reasonOf(ModelException e) {
    return switch (e.reason()) {
      case OVERLOADED, NO_MEMORY -> Reason.OVERLOADED;
      case NO_TOKEN_LEFT, UNSUPPORTED -> Reason.INVALID_INPUT;
      case INVALID_FOLDER, CORRUPT_WEIGHTS, CLOSED, BROKEN, UNAVAILABLE -> Reason.MODEL_ERROR;
    };
  }
}
