package io.ballast.policy.core.sample;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.TokenIds;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.ItemFault;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.PhaseTimes;
import io.ballast.policy.core.sample.Outcome.Failed;
import io.ballast.policy.core.sample.Outcome.Value;
import io.ballast.policy.core.version.Lease;
import io.ballast.policy.core.version.VersionCatalog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.LongSupplier;

/**
 * Evaluates given completions, a chunk at a time, so that a caller who leaves is noticed. A chunk
 * that the engine cannot evaluate is taken apart: only the sequences that are at fault fail.
 */
public final class LogProbsFlow {
  private static final int CHUNK = 32;

  private final VersionCatalog catalog;
  private final CallLimits limits;
  private final LongSupplier nanoTime;

  public LogProbsFlow(VersionCatalog catalog, CallLimits limits, LongSupplier nanoTime) {
    this.catalog = catalog;
    this.limits = limits;
    this.nanoTime = nanoTime;
  }

  /**
   * Evaluates every item.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST for a call that is wrong as a
   *     whole; UNKNOWN_MODEL; OVERLOADED
   * @throws CancellationException if nobody waits any more
   */
  public LogProbsAnswer logProbs(LogProbsCommand command, CallCancellation cancellation) {
    long start = nanoTime.getAsLong();
    SampleFlow.requireItems("items", command.items().size(), limits.maxItems());
    try (Lease lease = catalog.acquire(command.policy())) {
      List<Outcome<PromptAndCompletion>> sequences = read(command.items(), lease.decoder());
      List<Outcome<LogProbsAnswer.Sequence>> results = new ArrayList<>(sequences.size());
      for (int from = 0; from < sequences.size(); from += CHUNK) {
        if (cancellation.cancelled()) {
          throw new CancellationException("the caller left, or its deadline passed");
        }
        int to = Math.min(from + CHUNK, sequences.size());
        results.addAll(evaluate(lease.decoder(), sequences.subList(from, to), from));
      }
      long end = nanoTime.getAsLong();
      return new LogProbsAnswer(
          results,
          lease.version(),
          new PhaseTimes(
              Duration.ofNanos(start - command.arrivalNanos()),
              Duration.ofNanos(end - start),
              Duration.ofNanos(end - command.arrivalNanos())));
    }
  }

  private List<Outcome<PromptAndCompletion>> read(
      List<LogProbsCommand.Item> items, Decoder decoder) {
    ContentReader reader = new ContentReader(decoder.tokenizer(), limits.maxPromptBytes());
    List<Outcome<PromptAndCompletion>> sequences = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      String path = "items[" + i + "]";
      Outcome<TokenIds> prompt = reader.promptTokens(path + ".prompt", items.get(i).prompt());
      Outcome<TokenIds> completion = reader.tokens(path + ".completion", items.get(i).completion());
      sequences.add(join(path, prompt, completion, decoder.contextTokens()));
    }
    return sequences;
  }

  private static Outcome<PromptAndCompletion> join(
      String path, Outcome<TokenIds> prompt, Outcome<TokenIds> completion, int contextTokens) {
    if (prompt instanceof Failed<TokenIds> failed) {
      return new Failed<>(failed.fault());
    }
    if (completion instanceof Failed<TokenIds> failed) {
      return new Failed<>(failed.fault());
    }
    TokenIds before = ((Value<TokenIds>) prompt).value();
    TokenIds after = ((Value<TokenIds>) completion).value();
    int tokens = before.size() + after.size();
    return tokens > contextTokens
        ? ContentReader.tooLong("%s: %,d tokens, limit %,d".formatted(path, tokens, contextTokens))
        : new Value<>(new PromptAndCompletion(before, after));
  }

  private static List<Outcome<LogProbsAnswer.Sequence>> evaluate(
      Decoder decoder, List<Outcome<PromptAndCompletion>> chunk, int firstIndex) {
    List<PromptAndCompletion> valid = new ArrayList<>(chunk.size());
    for (Outcome<PromptAndCompletion> item : chunk) {
      if (item instanceof Value<PromptAndCompletion> value) {
        valid.add(value.value());
      }
    }
    List<PerToken> together = evaluateTogether(decoder, valid);
    List<Outcome<LogProbsAnswer.Sequence>> results = new ArrayList<>(chunk.size());
    int next = 0;
    for (int i = 0; i < chunk.size(); i++) {
      String path = "items[" + (firstIndex + i) + "]";
      results.add(
          switch (chunk.get(i)) {
            case Failed<PromptAndCompletion> failed -> new Failed<>(failed.fault());
            case Value<PromptAndCompletion> value ->
                together.isEmpty()
                    ? evaluateAlone(decoder, path, value.value())
                    : checked(path, value.value(), together.get(next++));
          });
    }
    return results;
  }

  /** Returns the log-probabilities of all sequences, or none if the engine cannot evaluate one. */
  private static List<PerToken> evaluateTogether(
      Decoder decoder, List<PromptAndCompletion> sequences) {
    try {
      return sequences.isEmpty() ? List.of() : decoder.logProbs(sequences);
    } catch (ModelException | IllegalArgumentException e) {
      return List.of();
    }
  }

  private static Outcome<LogProbsAnswer.Sequence> evaluateAlone(
      Decoder decoder, String path, PromptAndCompletion sequence) {
    try {
      return checked(path, sequence, decoder.logProbs(List.of(sequence)).getFirst());
    } catch (ModelException e) {
      return new Failed<>(ModelFaults.toItemFault(path, e));
    } catch (IllegalArgumentException e) {
      return ContentReader.invalid(path + ": " + e.getMessage());
    }
  }

  private static Outcome<LogProbsAnswer.Sequence> checked(
      String path, PromptAndCompletion sequence, PerToken logProbs) {
    for (int t = 0; t < logProbs.size(); t++) {
      if (!Float.isFinite(logProbs.get(t))) {
        return new Failed<>(
            new ItemFault(
                ItemFault.Reason.MODEL_ERROR,
                "%s: log_probs[%d] is not finite".formatted(path, t)));
      }
    }
    return new Value<>(new LogProbsAnswer.Sequence(sequence.completion(), logProbs));
  }
}
