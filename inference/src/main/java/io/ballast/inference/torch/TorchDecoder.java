package io.ballast.inference.torch;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.DecoderStatistics;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.TokenScores;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.memory.MemoryNeed;
import io.ballast.inference.schedule.RowDemand;
import io.ballast.inference.search.NextTokenModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A decoder on libtorch. One thread owns the weights and steps all completions side by side;
 * callers queue.
 *
 * <p>A request draws from a random source of its own, one number a token, seeded by the request.
 * What shares the batch reaches it only through rounding: products over another number of rows may
 * differ in their last bits, which changes a draw only if it falls within that difference. Alone,
 * the same request gives the same tokens; in {@linkplain ServingOptions#batchInvariant
 * batch-invariant mode} it does in any company.
 */
public final class TorchDecoder implements Decoder, NextTokenModel {
  private final Tokenizer tokenizer;
  private final DecoderConfig config;
  private final ServingOptions options;
  private final Vocabulary vocabulary;
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final LengthClasses classes;
  private final EngineThread engine;
  private MemoryBudget.@Nullable Reservation reservation;

  private TorchDecoder(DecoderConfig config, Vocabulary vocabulary, ServingOptions options) {
    this.tokenizer = vocabulary.tokenizer();
    VocabularyFit.require("tokenizer", tokenizer, config);
    TorchRuntime.prepare();
    this.config = config;
    this.options = options;
    this.vocabulary = vocabulary;
    this.weights = new TrainedWeights(new ParameterLayout(config), options.arithmetic(), false);
    this.rotary = new RotaryTable(config, options.arithmetic().full());
    this.classes = new LengthClasses(config, options.arithmetic().full());
    this.engine = new EngineThread(weights, rotary, tokenizer.vocabularySize(), options);
  }

  /**
   * Returns a decoder with the weights and the tokenizer of a Hugging Face folder.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  public static TorchDecoder load(Path folder, ServingOptions options) {
    return load(folder, DecoderFolder.verifiedConfig(folder), options, new KeptVocabulary());
  }

  private static TorchDecoder load(
      Path folder, DecoderConfig config, ServingOptions options, KeptVocabulary kept) {
    Vocabulary vocabulary = kept.of(folder.resolve(DecoderFolder.TOKENIZER), config.endOfTextIds());
    TorchDecoder decoder = new TorchDecoder(config, vocabulary, options);
    try {
      DecoderFolder.load(folder, decoder.weights);
    } catch (RuntimeException e) {
      decoder.weights.close();
      decoder.rotary.close();
      throw e;
    }
    decoder.engine.start();
    return decoder;
  }

  /**
   * Returns a decoder as {@link #load(Path, ServingOptions)} does, within a budget: what it may
   * come to take is reserved before a weight is read, and given back when it is closed.
   *
   * @param name of the model, for people
   * @param kept has the vocabulary, if it is of the same tokenizer
   * @throws ModelException NO_MEMORY with the arithmetic if there is not room for it; as the other
   */
  public static TorchDecoder load(
      Path folder, ServingOptions options, String name, MemoryBudget budget, KeptVocabulary kept) {
    DecoderConfig config = DecoderFolder.verifiedConfig(folder);
    return within(budget, config, options, name, () -> load(folder, config, options, kept));
  }

  /**
   * Returns a decoder with the weights of {@code copy}, which is read from for so long, within a
   * budget: the same as one that is loaded from the copy's folder would be.
   *
   * @param name of the model, for people
   * @param kept has the vocabulary, if it is of the same tokenizer
   * @throws ModelException NO_MEMORY with the arithmetic if there is not room for it;
   *     INVALID_FOLDER or CORRUPT_WEIGHTS if the tokenizer's file is no longer what it was
   */
  public static TorchDecoder load(
      DecoderCopy copy,
      ServingOptions options,
      String name,
      MemoryBudget budget,
      KeptVocabulary kept) {
    return within(
        budget,
        copy.config(),
        options,
        name,
        () -> of(copy.weights(), copy.vocabulary(kept), options));
  }

  private static TorchDecoder within(
      MemoryBudget budget,
      DecoderConfig config,
      ServingOptions options,
      String name,
      Supplier<TorchDecoder> opening) {
    MemoryBudget.Reservation reservation = budget.reserve(name, memoryNeed(config, options));
    try {
      TorchDecoder decoder = opening.get();
      decoder.reservation = reservation;
      return decoder;
    } catch (RuntimeException | Error e) {
      reservation.close();
      throw e;
    }
  }

  /** Returns what a decoder of a shape may come to take outside the heap with such options. */
  public static MemoryNeed memoryNeed(DecoderConfig config, ServingOptions options) {
    return DecoderMemory.of(config, options);
  }

  /** Returns a decoder with weights that were never saved, such as those in training. */
  public static TorchDecoder of(
      WeightsSnapshot weights, Tokenizer tokenizer, ServingOptions options) {
    return of(weights, new Vocabulary(tokenizer), options);
  }

  private static TorchDecoder of(
      WeightsSnapshot weights, Vocabulary vocabulary, ServingOptions options) {
    TorchDecoder decoder = new TorchDecoder(weights.config(), vocabulary, options);
    try {
      weights.copyTo(decoder.weights);
    } catch (RuntimeException | Error e) {
      decoder.weights.close();
      decoder.rotary.close();
      throw e;
    }
    decoder.engine.start();
    return decoder;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int contextTokens() {
    return config.contextTokens();
  }

  /** The model's shape. */
  public DecoderConfig config() {
    return config;
  }

  @Override
  public DecoderStatistics statistics() {
    return engine.statistics();
  }

  @Override
  public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    return enqueue(request, 1, onToken).getFirst();
  }

  /** {@inheritDoc} The prompt is computed once. */
  @Override
  public List<GenerationHandle> generate(GenerationRequest request, int count) {
    if (count < 1) {
      throw new IllegalArgumentException("n: " + count + " (expected: ≥ 1)");
    }
    return List.copyOf(enqueue(request, count, token -> {}));
  }

  private List<DecodeRow> enqueue(
      GenerationRequest request, int count, Consumer<GeneratedToken> onToken) {
    request.sampling().requireTokensBelow(tokenizer.vocabularySize());
    PreparedPrompt prompt =
        PreparedPrompt.of(request, tokenizer, vocabulary.index(), config.contextTokens());
    SamplingOptions sampling = request.sampling();
    TokenConstraint constraint =
        vocabulary.constraints().of(prompt.typed().bytes(), sampling.grammar());
    RowDemand demand = demand(request, prompt);
    List<DecodeRow> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long seed = Decoder.seedOf(sampling.seed(), i);
      rows.add(
          new DecodeRow(
              prompt,
              sampling,
              seed,
              vocabulary.index(),
              constraint,
              request.lane(),
              onToken,
              engine::nudge,
              System::nanoTime));
    }
    engine.submit(rows, demand, request.within());
    return rows;
  }

  /**
   * What a completion may come to.
   *
   * @throws IllegalArgumentException if that never fits
   */
  private RowDemand demand(GenerationRequest request, PreparedPrompt prompt) {
    int promptTokens = prompt.tokens().size();
    int newTokens =
        Math.min(request.sampling().maxNewTokens(), config.contextTokens() - promptTokens);
    int most = promptTokens + Math.max(1, newTokens);
    long bytes = classes.bytesFor(most);
    if (bytes > options.keyValueBytes()) {
      throw new IllegalArgumentException(
          "prompt: %,d tokens + %,d new need %.1f MB of keys and values, limit %.1f MB"
              .formatted(promptTokens, newTokens, bytes / 1e6, options.keyValueBytes() / 1e6));
    }
    return new RowDemand(request.lane(), request.tenant(), most, bytes);
  }

  @Override
  public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
    return tokenScores(sequences, 0).stream().map(TokenScores::logProbs).toList();
  }

  @Override
  public List<TokenScores> tokenScores(List<PromptAndCompletion> sequences, int alternatives) {
    if (alternatives < 0 || alternatives > tokenizer.vocabularySize()) {
      throw new IllegalArgumentException(
          "alternatives: %,d (expected: 0 to %,d, the vocabulary's size)"
              .formatted(alternatives, tokenizer.vocabularySize()));
    }
    List<CompletionGroup> groups = new ArrayList<>();
    for (int i = 0; i < sequences.size(); i++) {
      PromptAndCompletion sequence = sequences.get(i);
      if (sequence.prompt().size() == 0 || sequence.completion().size() == 0) {
        throw new IllegalArgumentException(
            "sequences[" + i + "]: an empty prompt or completion (expected: ≥ 1 token each)");
      }
      CompletionGroup group =
          new CompletionGroup(sequence.prompt(), List.of(sequence.completion()));
      PackedGroups.requireFits(group, i, config);
      groups.add(group);
    }
    return scores(groups, alternatives).stream()
        .map(
            of ->
                new TokenScores(
                    of.logProbs().getFirst(),
                    of.entropies().getFirst(),
                    of.alternatives().getFirst()))
        .toList();
  }

  /**
   * Returns log-probabilities and entropies, temperature 1, of groups that share their prompts.
   *
   * @throws IllegalArgumentException if a completion does not fit the model, named by its index
   * @throws ModelException BROKEN if a number is not finite, NO_MEMORY if a sequence longer than a
   *     step finds no room in the budget, CLOSED after {@link #close}
   */
  public List<GroupScores> scores(List<CompletionGroup> groups) {
    return scores(groups, 0);
  }

  private List<GroupScores> scores(List<CompletionGroup> groups, int alternatives) {
    List<CompletionGroup> copy = List.copyOf(groups);
    for (int i = 0; i < copy.size(); i++) {
      PackedGroups.requireFits(copy.get(i), i, config);
    }
    return engine.run(
        new ScoringPieces(
            new GroupComputation(weights, rotary),
            copy,
            alternatives,
            tokenizer.vocabularySize(),
            this::reserveForScoring));
  }

  /** Takes what a piece needs beyond a step; null where that is nothing, or there is no budget. */
  private MemoryBudget.@Nullable Reservation reserveForScoring(List<CompletionGroup> piece) {
    MemoryBudget.Reservation own = reservation;
    MemoryNeed more = DecoderMemory.ofScoring(config, options, piece);
    if (own == null || more.bytes() == 0) {
      return null;
    }
    String what =
        "a sequence of %,d tokens to score"
            .formatted(piece.stream().mapToInt(PackedGroups::rowLength).max().orElse(0));
    if (!own.everFits(more)) {
      throw new IllegalArgumentException(
          "%s: needs %s beside the model, more than there ever is".formatted(what, more));
    }
    return own.beside(what, more);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Each text is computed anew, all its tokens: right for searches of some dozens of tokens.
   *
   * @throws ModelException BROKEN if a number is not finite, CLOSED after {@link #close}
   */
  @Override
  public List<List<Alternative>> alternatives(List<TokenIds> texts, int count) {
    if (count < 1) {
      throw new IllegalArgumentException("count: " + count + " (expected: ≥ 1)");
    }
    List<TokenIds> copy = List.copyOf(texts);
    for (int i = 0; i < copy.size(); i++) {
      requireFits(copy.get(i), "texts[" + i + "]");
    }
    return engine.run(
        new AlternativesPieces(weights, rotary, tokenizer.vocabularySize(), copy, count));
  }

  private void requireFits(TokenIds text, String name) {
    if (text.size() == 0 || text.size() > config.contextTokens()) {
      throw new IllegalArgumentException(
          "%s: %,d tokens (expected: 1 to %,d)"
              .formatted(name, text.size(), config.contextTokens()));
    }
    for (int t = 0; t < text.size(); t++) {
      if (text.get(t) < 0 || text.get(t) >= config.vocabularySize()) {
        throw new IllegalArgumentException(
            "%s[%d]: %d (expected: ≥ 0 and < %d)"
                .formatted(name, t, text.get(t), config.vocabularySize()));
      }
    }
  }

  /**
   * Draws from other weights of the same shape from the next step on. Completions under way go on:
   * the tokens they have keep the keys and values of the weights that drew them.
   *
   * @throws IllegalArgumentException if the shape differs
   * @throws ModelException CLOSED after {@link #close}
   */
  public void replaceWeights(WeightsSnapshot replacement) {
    engine.changeWeights(() -> replacement.copyTo(weights));
  }

  @Override
  public void close() {
    engine.close();
    MemoryBudget.Reservation reserved = reservation;
    if (reserved != null) {
      reserved.close();
    }
  }
}
