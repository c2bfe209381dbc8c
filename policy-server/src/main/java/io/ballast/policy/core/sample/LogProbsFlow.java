package io.ballast.policy.core.sample;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.TokenScores;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.CallLimits;
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
 * Evaluates given completions, about {@link #CHUNK_TOKENS} tokens at a time, so that a caller who
 * leaves is noticed. A chunk that the engine cannot evaluate is taken apart: only the sequences
 * that are at fault fail.
 */
public final class LogProbsFlow {
  /** Tokens of a chunk, prompts included; the engine packs them into passes of its own size. */
  private static final int CHUNK_TOKENS = 4_096;

  /** The most alternatives in a place. */
  private static final int MAX_ALTERNATIVES = 128;

  /** An alternative takes some 8 bytes of an answer, of which peers take 64 MiB. */
  private static final int MAX_ALTERNATIVES_OF_CALL = 1 << 20;

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
   *     whole; NOT_IMPLEMENTED if the version's engine cannot tell what is asked; UNKNOWN_MODEL;
   *     OVERLOADED; DEPENDENCY_DOWN if a server behind the engine is away
   * @throws CancellationException if nobody waits any more
   */
  public LogProbsAnswer logProbs(LogProbsCommand command, CallCancellation cancellation) {
    long start = nanoTime.getAsLong();
    SampleFlow.requireItems("items", command.items().size(), limits.maxItems());
    LogProbsCommand.Detail detail = command.detail();
    requireAlternatives(detail.alternatives(), MAX_ALTERNATIVES);
    try (Lease lease = catalog.acquire(command.policy())) {
      requireAlternatives(detail.alternatives(), lease.decoder().tokenizer().vocabularySize());
      List<Outcome<PromptAndCompletion>> sequences = read(command.items(), lease.decoder());
      requireSize(sequences, detail.alternatives());
      Engine engine = new Engine(lease.decoder(), detail);
      List<Outcome<LogProbsAnswer.Sequence>> results = new ArrayList<>(sequences.size());
      while (results.size() < sequences.size()) {
        if (cancellation.cancelled()) {
          throw new CancellationException("the caller left, or its deadline passed");
        }
        int from = results.size();
        results.addAll(engine.evaluate(chunk(sequences, from), from));
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

  private static void requireAlternatives(int count, int most) {
    if (count < 0 || count > most) {
      throw Texts.malformed(
          "alternatives_count", "%,d (expected: 0 to %,d)".formatted(count, most));
    }
  }

  /** An answer is held in memory and sent as one message. */
  private static void requireSize(List<Outcome<PromptAndCompletion>> sequences, int alternatives) {
    long tokens = 0;
    for (Outcome<PromptAndCompletion> sequence : sequences) {
      if (sequence instanceof Value<PromptAndCompletion> value) {
        tokens += value.value().completion().size();
      }
    }
    if (tokens * alternatives > MAX_ALTERNATIVES_OF_CALL) {
      throw Texts.malformed(
          "alternatives_count",
          "%,d for each of %,d completion tokens are %,d alternatives (expected: at most %,d a call)"
              .formatted(alternatives, tokens, tokens * alternatives, MAX_ALTERNATIVES_OF_CALL));
    }
  }

  /** The sequences from {@code from} on that make a chunk, at least one. */
  private static List<Outcome<PromptAndCompletion>> chunk(
      List<Outcome<PromptAndCompletion>> sequences, int from) {
    int tokens = 0;
    int to = from;
    while (to < sequences.size()) {
      if (sequences.get(to) instanceof Value<PromptAndCompletion> value) {
        tokens += value.value().prompt().size() + value.value().completion().size();
      }
      if (to > from && tokens > CHUNK_TOKENS) {
        break;
      }
      to++;
    }
    return sequences.subList(from, to);
  }

  /** A decoder that is asked for this much detail. */
  private record Engine(Decoder decoder, LogProbsCommand.Detail detail) {
    List<Outcome<LogProbsAnswer.Sequence>> evaluate(
        List<Outcome<PromptAndCompletion>> chunk, int firstIndex) {
      List<PromptAndCompletion> valid = new ArrayList<>(chunk.size());
      for (Outcome<PromptAndCompletion> item : chunk) {
        if (item instanceof Value<PromptAndCompletion> value) {
          valid.add(value.value());
        }
      }
      List<LogProbsAnswer.Sequence> together = evaluateTogether(valid);
      List<Outcome<LogProbsAnswer.Sequence>> results = new ArrayList<>(chunk.size());
      int next = 0;
      for (int i = 0; i < chunk.size(); i++) {
        String path = "items[" + (firstIndex + i) + "]";
        results.add(
            switch (chunk.get(i)) {
              case Failed<PromptAndCompletion> failed -> new Failed<>(failed.fault());
              case Value<PromptAndCompletion> value ->
                  together.isEmpty()
                      ? evaluateAlone(path, value.value())
                      : checked(path, together.get(next++));
            });
      }
      return results;
    }

    /** Returns what is known of all sequences, or none if the engine cannot evaluate one. */
    private List<LogProbsAnswer.Sequence> evaluateTogether(List<PromptAndCompletion> sequences) {
      try {
        return sequences.isEmpty() ? List.of() : ask(sequences);
      } catch (ModelException e) {
        switch (e.reason()) { // of which no sequence is at fault
          case UNSUPPORTED ->
              throw new MeshException(Fault.NOT_IMPLEMENTED, String.valueOf(e.getMessage()), e);
          case UNAVAILABLE, OVERLOADED, CLOSED -> throw ModelFaults.toCallFailure(e);
          default -> {
            return List.of();
          }
        }
      } catch (IllegalArgumentException e) {
        return List.of();
      }
    }

    private Outcome<LogProbsAnswer.Sequence> evaluateAlone(
        String path, PromptAndCompletion sequence) {
      try {
        return checked(path, ask(List.of(sequence)).getFirst());
      } catch (ModelException e) {
        return new Failed<>(ModelFaults.toItemFault(path, e));
      } catch (IllegalArgumentException e) {
        return ContentReader.invalid(path + ": " + e.getMessage());
      }
    }

    private List<LogProbsAnswer.Sequence> ask(List<PromptAndCompletion> sequences) {
      List<LogProbsAnswer.Sequence> answers = new ArrayList<>(sequences.size());
      if (!detail.any()) {
        List<PerToken> logProbs = decoder.logProbs(sequences);
        for (int i = 0; i < sequences.size(); i++) {
          answers.add(
              new LogProbsAnswer.Sequence(
                  sequences.get(i).completion(), logProbs.get(i), PerToken.of(), List.of()));
        }
        return answers;
      }
      List<TokenScores> scores = decoder.tokenScores(sequences, detail.alternatives());
      for (int i = 0; i < sequences.size(); i++) {
        TokenScores of = scores.get(i);
        answers.add(
            new LogProbsAnswer.Sequence(
                sequences.get(i).completion(),
                of.logProbs(),
                detail.entropies() ? of.entropies() : PerToken.of(),
                detail.alternatives() > 0 ? of.alternatives() : List.of()));
      }
      return answers;
    }

    private static Outcome<LogProbsAnswer.Sequence> checked(
        String path, LogProbsAnswer.Sequence sequence) {
      for (int t = 0; t < sequence.logProbs().size(); t++) {
        if (!Float.isFinite(sequence.logProbs().get(t))) {
          return notFinite(path + ": log_probs[" + t + "]");
        }
      }
      for (int t = 0; t < sequence.entropies().size(); t++) {
        if (!Float.isFinite(sequence.entropies().get(t))) {
          return notFinite(path + ": entropies[" + t + "]");
        }
      }
      return new Value<>(sequence);
    }

    private static Outcome<LogProbsAnswer.Sequence> notFinite(String what) {
      return new Failed<>(new ItemFault(ItemFault.Reason.MODEL_ERROR, what + " is not finite"));
    }
  }
}
