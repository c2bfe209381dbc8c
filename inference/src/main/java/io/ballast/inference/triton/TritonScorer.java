package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.triton.export.ExportedScoring;
import io.ballast.kit.call.CallPatience;
import io.ballast.kserve.v2.ModelConfig;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * A scoring model on a Triton, as {@code ./mesh models export} writes it there. It needs none of
 * the model's files: what the scores mean is in the server's configuration. Completions are laid
 * into rows of like length and asked for in requests of as many rows as the model takes at once, a
 * few at a time. A row is one prompt with one completion: prompts are computed for each.
 */
public final class TritonScorer implements CompletionScorer {
  private static final int IN_FLIGHT = 4;

  private final KServeClient client;
  private final ServedModel model;
  private final PlainScoring plain;
  private final int maxRows;
  private final OptionalLong priority;
  private volatile boolean closed;

  private TritonScorer(
      KServeClient client,
      ServedModel model,
      PlainScoring plain,
      int maxRows,
      OptionalLong priority) {
    this.client = client;
    this.model = model;
    this.plain = plain;
    this.maxRows = maxRows;
    this.priority = priority;
  }

  /**
   * A completion's place in the caller's list, and its tokens behind what is left of its prompt.
   */
  private record Row(int group, int completion, TokenIds prompt, TokenIds tokens) {
    int length() {
      return prompt.size() + tokens.size();
    }
  }

  /**
   * Returns the scorer of a version, after a look at what it is.
   *
   * @param client stays its owner's
   * @param model with the version that is meant
   * @param priority 1 interactive, 2 trainer, 3 batch; empty: the model's usual one
   * @throws ModelException UNAVAILABLE if the server is not reached or has no such model;
   *     UNSUPPORTED if it is none that we exported
   */
  public static TritonScorer open(KServeClient client, ServedModel model, OptionalLong priority) {
    if (model.version().isEmpty()) {
      throw new IllegalArgumentException(model + ": no version (expected: the one that is meant)");
    }
    try {
      ModelConfig config = client.config(model);
      PlainScoring plain = ExportedScoring.read(ServedScoring.parameters(config), model.version());
      if (config.getMaxBatchSize() < 1) {
        throw new IllegalArgumentException(
            "max_batch_size: " + config.getMaxBatchSize() + " (expected: ≥ 1)");
      }
      return new TritonScorer(client, model, plain, config.getMaxBatchSize(), priority);
    } catch (TritonException e) {
      throw TritonFaults.of(e);
    } catch (IllegalArgumentException e) {
      throw new ModelException(
          Reason.UNSUPPORTED, KServeClient.subject(model) + ": " + e.getMessage(), e);
    }
  }

  /** Returns the scorer of a version that was looked at before; asks nobody. */
  static TritonScorer of(KServeClient client, ServedScoring version, OptionalLong priority) {
    return new TritonScorer(client, version.at(), version.scoring(), version.maxRows(), priority);
  }

  @Override
  public ScoringSpec spec() {
    return plain.spec();
  }

  @Override
  public List<List<ScoreOutcome>> score(List<ScoringGroup> groups) {
    return score(groups, CallPatience.endless());
  }

  /** {@inheritDoc} Its requests are cancelled at once when the callers leave. */
  @Override
  public List<List<ScoreOutcome>> score(List<ScoringGroup> groups, CallPatience callers) {
    if (closed) {
      throw new ModelException(Reason.CLOSED, KServeClient.subject(model) + ": closed");
    }
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
    rows.sort(Comparator.comparingInt(Row::length));
    List<CompletableFuture<InferAnswer>> answers = new ArrayList<>();
    CancellableContext asking = Context.current().withCancellation();
    callers.onCancel(() -> asking.cancel(new CancellationException("the callers left")));
    Context before = asking.attach();
    try {
      // a request's deadline begins when it leaves: only a few are on their way at a time
      for (int from = 0; from < rows.size(); from += maxRows) {
        while (answers.size() < IN_FLIGHT + from / maxRows
            && answers.size() * maxRows < rows.size()) {
          answers.add(client.inferAsync(request(batch(rows, answers.size() * maxRows))));
        }
        read(batch(rows, from), answers.get(from / maxRows).join(), outcomes);
      }
    } catch (TritonException e) {
      throw TritonFaults.of(e);
    } catch (CompletionException e) {
      if (e.getCause() instanceof TritonException triton) {
        throw TritonFaults.of(triton);
      }
      throw e;
    } finally {
      asking.detachAndCancel(before, null); // and with it what is still under way
    }
    return outcomes.stream()
        .map(row -> row.stream().<ScoreOutcome>map(Objects::requireNonNull).toList())
        .toList();
  }

  private List<Row> batch(List<Row> rows, int from) {
    return rows.subList(from, Math.min(rows.size(), from + maxRows));
  }

  private InferRequest request(List<Row> rows) {
    int length = rows.getLast().length();
    long[] ids = new long[rows.size() * length];
    long[] prompts = new long[rows.size()];
    long[] completions = new long[rows.size()];
    for (int b = 0; b < rows.size(); b++) {
      Row row = rows.get(b);
      TokenIds tokens = row.prompt().concat(row.tokens());
      for (int t = 0; t < tokens.size(); t++) {
        ids[b * length + t] = tokens.get(t);
      }
      prompts[b] = row.prompt().size();
      completions[b] = row.tokens().size();
    }
    List<Long> one = List.of((long) rows.size(), 1L);
    InferRequest.Builder request =
        InferRequest.of(model)
            .input(
                Tensor.longs(
                    PlainScoring.INPUT_IDS, List.of((long) rows.size(), (long) length), ids))
            .input(Tensor.longs(PlainScoring.PROMPT_TOKENS, one, prompts))
            .input(Tensor.longs(PlainScoring.COMPLETION_TOKENS, one, completions));
    plain.outputs().forEach(request::output);
    priority.ifPresent(request::priority);
    return request.build();
  }

  private void read(
      List<Row> rows, InferAnswer answer, List<List<@Nullable ScoreOutcome>> outcomes) {
    List<float[]> values =
        plain.outputs().stream().map(name -> answer.output(name).floats()).toList();
    List<ScoreOutcome> scored;
    try {
      scored = plain.outcomes(values, rows.size());
    } catch (ModelException e) {
      throw new ModelException(e.reason(), KServeClient.subject(model) + ": " + e.getMessage(), e);
    }
    for (int b = 0; b < rows.size(); b++) {
      outcomes.get(rows.get(b).group()).set(rows.get(b).completion(), scored.get(b));
    }
  }

  /** Refuses what comes; requests under way are answered. The client stays open. */
  @Override
  public void close() {
    closed = true;
  }
}
