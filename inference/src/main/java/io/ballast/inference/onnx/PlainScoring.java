package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A scoring model over plain rows, prompt | completion | padding: one ONNX file for a server that
 * makes batches of rows by itself. Which completions can be scored, and with how much of their
 * prompt, is the same as in {@link OnnxScorer}.
 *
 * <p>Inputs are int64 {@value #INPUT_IDS} [B, T], {@value #PROMPT_TOKENS} [B, 1] and {@value
 * #COMPLETION_TOKENS} [B, 1]; the output is float {@value #SCORES} [B, K], not a number where a
 * row's counts cannot be. Where members judge by O objectives there is {@value #OBJECTIVES} [B, K,
 * O] beside it.
 *
 * @param spec what the model says of itself
 * @param contextTokens the most tokens of a row
 * @param vocabularySize ids are 0 to this, exclusive
 */
public record PlainScoring(ScoringSpec spec, int contextTokens, int vocabularySize) {
  /** Tokens of each row. */
  public static final String INPUT_IDS = ScoringGraph.INPUT_IDS;

  /** How many of them are the prompt's, ≥ 1. */
  public static final String PROMPT_TOKENS = ScoringGraph.PROMPT_TOKENS;

  /** How many after those are the completion's, ≥ 1; what follows is padding. */
  public static final String COMPLETION_TOKENS = ScoringGraph.COMPLETION_TOKENS;

  /** The members' raw scores. */
  public static final String SCORES = ScoringGraph.SCORES;

  /** What the heads of each objective say, of which the scores are sums. */
  public static final String OBJECTIVES = ScoringGraph.OBJECTIVES;

  /**
   * Writes the model.
   *
   * @param trunk the decoder's Hugging Face folder
   * @param scoring the heads' folder
   * @param file the ONNX file, which must not be there
   * @throws ModelException as {@link OnnxScorer#open}
   */
  public static PlainScoring write(Path trunk, Path scoring, Path file) throws IOException {
    TrunkFolder decoder = TrunkFolder.open(trunk);
    ScoringModel model = OnnxScorer.model(decoder, scoring);
    try (var out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW)) {
      ScoringGraph.buildPlain(trunk, decoder.config(), scoring, model).writeTo(out);
    }
    return new PlainScoring(
        model.spec(), decoder.config().contextTokens(), decoder.config().vocabularySize());
  }

  /** Returns why a completion cannot be scored; empty if it can. */
  public Optional<Refusal> refusal(ScoringGroup group, int completion) {
    return packer().refusal(group, completion);
  }

  /** Returns what of its prompt a completion that can be scored is scored with. */
  public TokenIds prompt(ScoringGroup group, int completion) {
    return group
        .prompt()
        .last(packer().keptTokens(group.prompt(), group.completions().get(completion)));
  }

  /** The model's outputs. */
  public List<String> outputs() {
    return spec.objectives().isEmpty() ? List.of(SCORES) : List.of(SCORES, OBJECTIVES);
  }

  /**
   * Returns what the outputs say of each row.
   *
   * @param values of each of {@link #outputs}, row after row
   * @throws ModelException BROKEN if there are more or fewer numbers than there must be
   */
  public List<ScoreOutcome> outcomes(List<float[]> values, int rows) {
    int ofRow = spec.heads();
    for (int i = 0; i < values.size(); i++) {
      if (values.get(i).length != rows * ofRow) {
        throw new ModelException(
            ModelException.Reason.BROKEN,
            "%,d %s of %,d rows (expected: %d a row)"
                .formatted(values.get(i).length, outputs().get(i), rows, ofRow));
      }
      ofRow *= spec.objectives().size();
    }
    return IntStream.range(0, rows)
        .mapToObj(row -> ScoreOutcome.of(spec, values.getFirst(), values.getLast(), row))
        .toList();
  }

  private RowPacker packer() {
    return new RowPacker(PackingOptions.of(contextTokens, vocabularySize));
  }
}
