package io.ballast.inference.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtSession;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Scores with the plain rows of {@link PlainScoring} in this process: the file that a server of
 * models runs, here. A prompt is computed anew for each of its completions; {@link OnnxScorer}
 * computes it once. Thread-safe.
 */
public final class PlainScorer implements CompletionScorer {
  private static final int BATCH_TOKENS = 2_048;

  private final PlainScoring plain;
  private final GuardedSession session;

  private PlainScorer(PlainScoring plain, GuardedSession session) {
    this.plain = plain;
    this.session = session;
  }

  /**
   * Opens a file that {@link PlainScoring#write} wrote.
   *
   * @param plain what was told of it
   * @param threads of one run, ≥ 1
   * @throws ModelException BROKEN if the engine refuses it, or it is another model
   */
  public static PlainScorer open(Path model, PlainScoring plain, int threads) {
    GuardedSession session = new GuardedSession(model, threads);
    Set<String> inputs =
        Set.of(PlainScoring.INPUT_IDS, PlainScoring.PROMPT_TOKENS, PlainScoring.COMPLETION_TOKENS);
    List<String> outputs = plain.outputs();
    if (!session.inputs().equals(inputs) || !session.outputs().containsAll(outputs)) {
      String found = session.inputs() + " to " + session.outputs();
      session.close();
      throw new ModelException(
          Reason.BROKEN, "%s: %s (expected: %s to %s)".formatted(model, found, inputs, outputs));
    }
    return new PlainScorer(plain, session);
  }

  /** A completion after what is left of its prompt, and where it stands. */
  private record Row(int group, int completion, TokenIds prompt, TokenIds tokens) {
    int length() {
      return prompt.size() + tokens.size();
    }
  }

  @Override
  public ScoringSpec spec() {
    return plain.spec();
  }

  /** The most tokens of a prompt with one completion. */
  public int contextTokens() {
    return plain.contextTokens();
  }

  @Override
  public List<List<ScoreOutcome>> score(List<ScoringGroup> groups) {
    List<List<@Nullable ScoreOutcome>> outcomes = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      ScoringGroup group = groups.get(g);
      List<@Nullable ScoreOutcome> ofGroup = new ArrayList<>();
      for (int i = 0; i < group.completions().size(); i++) {
        Optional<Refusal> refusal = plain.refusal(group, i);
        ofGroup.add(refusal.orElse(null));
        if (refusal.isEmpty()) {
          rows.add(new Row(g, i, plain.prompt(group, i), group.completions().get(i)));
        }
      }
      outcomes.add(ofGroup);
    }
    session.use(open -> rows); // a closed one says so though there is nothing to score
    int[] lengths = rows.stream().mapToInt(Row::length).toArray();
    for (List<Integer> batch : TokenBatches.of(lengths, BATCH_TOKENS)) {
      List<Row> together = batch.stream().map(rows::get).toList();
      List<ScoreOutcome> scored = run(together);
      for (int b = 0; b < together.size(); b++) {
        Row row = together.get(b);
        outcomes.get(row.group()).set(row.completion(), scored.get(b));
      }
    }
    return outcomes.stream()
        .map(row -> row.stream().<ScoreOutcome>map(Objects::requireNonNull).toList())
        .toList();
  }

  private List<ScoreOutcome> run(List<Row> rows) {
    int length = rows.getLast().length(); // of a batch the longest comes last
    LongBuffer ids = longs(rows.size() * length);
    LongBuffer prompts = longs(rows.size());
    LongBuffer completions = longs(rows.size());
    for (int b = 0; b < rows.size(); b++) {
      TokenIds tokens = rows.get(b).prompt().concat(rows.get(b).tokens());
      for (int t = 0; t < tokens.size(); t++) {
        ids.put(b * length + t, tokens.get(t));
      }
      prompts.put(b, rows.get(b).prompt().size());
      completions.put(b, rows.get(b).tokens().size());
    }
    return session.use(
        open -> {
          Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
          try {
            inputs.put(PlainScoring.INPUT_IDS, session.tensor(ids, rows.size(), length));
            inputs.put(PlainScoring.PROMPT_TOKENS, session.tensor(prompts, rows.size(), 1));
            inputs.put(PlainScoring.COMPLETION_TOKENS, session.tensor(completions, rows.size(), 1));
            try (OrtSession.Result result = open.run(inputs, Set.copyOf(plain.outputs()))) {
              List<float[]> values = new ArrayList<>();
              for (String name : plain.outputs()) {
                OnnxTensor tensor = (OnnxTensor) result.get(name).orElseThrow();
                FloatBuffer all = tensor.getFloatBuffer();
                float[] numbers = new float[all.remaining()];
                all.get(numbers);
                values.add(numbers);
              }
              return plain.outcomes(values, rows.size());
            }
          } finally {
            inputs.values().forEach(OnnxTensor::close);
          }
        });
  }

  private static LongBuffer longs(int count) {
    return ByteBuffer.allocateDirect(count * Long.BYTES)
        .order(ByteOrder.nativeOrder())
        .asLongBuffer();
  }

  /** Frees the model after runs under way have ended. */
  @Override
  public void close() {
    session.close();
  }
}
