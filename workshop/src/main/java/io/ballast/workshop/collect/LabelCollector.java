package io.ballast.workshop.collect;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Judgement;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.ParseCheck.Trial;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import io.ballast.workshop.scoring.LabelledCompletion;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import io.ballast.workshop.scoring.LabelledGroup;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.random.RandomGeneratorFactory;

/**
 * Draws completions at positions as serving does, and has the simulated programmer judge them.
 *
 * <p>The decoder draws for the next positions while other threads judge the last ones; groups come
 * out in the positions' order. The same positions, plan and weights give the same prompts and
 * labels of the same completions, but for rounding in batches (see inference/README).
 */
public final class LabelCollector implements AutoCloseable {
  /** What the gate gets to see of a file, in characters; more than any context holds. */
  public static final int TAIL_CHARACTERS = 4_000;

  private static final int POSITIONS_AT_A_TIME = 32;
  private static final int CHUNKS_UNDER_WAY = 3;

  /**
   * What to draw, and how it is judged.
   *
   * @param samples completions a position, 1 to 64
   * @param shapes taken in turn, at least one
   * @param noise the probability that the programmer errs, 0 to 1; the parse check never does
   * @param seed of draws and errors
   * @param judges threads that judge, ≥ 1
   */
  public record Plan(int samples, List<DrawShape> shapes, double noise, long seed, int judges) {
    public Plan {
      shapes = List.copyOf(shapes);
      require(samples >= 1 && samples <= 64, "samples: " + samples + " (expected: 1 to 64)");
      require(!shapes.isEmpty(), "shapes: none (expected: ≥ 1)");
      require(noise >= 0 && noise <= 1, "noise: " + noise + " (expected: ≥ 0 and ≤ 1)");
      require(judges >= 1, "judges: " + judges + " (expected: ≥ 1)");
    }

    private static void require(boolean holds, String message) {
      if (!holds) {
        throw new IllegalArgumentException(message);
      }
    }
  }

  /** Takes labelled groups in order. */
  @FunctionalInterface
  public interface GroupSink {
    /** Takes the next group. */
    void accept(LabelledGroup group) throws IOException;
  }

  private final Decoder decoder;
  private final Plan plan;
  private final ExecutorService executor;
  private final BlockingQueue<ParseCheck> parseChecks = new LinkedBlockingQueue<>();

  /** A collector that draws from {@code decoder}, which stays the caller's. */
  public LabelCollector(Decoder decoder, Plan plan) {
    this.decoder = decoder;
    this.plan = plan;
    this.executor = Executors.newFixedThreadPool(plan.judges());
    for (int i = 0; i < plan.judges(); i++) {
      parseChecks.add(new ParseCheck());
    }
  }

  /** Some positions with what is being drawn there. */
  private record Chunk(
      int first, List<Position> positions, List<List<GenerationHandle>> underWay) {}

  /**
   * Collects one group a position.
   *
   * @throws IOException what {@code sink} throws
   * @throws io.ballast.inference.api.ModelException if the decoder fails
   */
  public void collect(List<Position> positions, GroupSink sink) throws IOException {
    Deque<Chunk> drawing = new ArrayDeque<>();
    Deque<Future<List<LabelledGroup>>> judging = new ArrayDeque<>();
    for (int first = 0; first < positions.size(); first += POSITIONS_AT_A_TIME) {
      int end = Math.min(positions.size(), first + POSITIONS_AT_A_TIME);
      drawing.add(draw(first, positions.subList(first, end)));
      if (drawing.size() == CHUNKS_UNDER_WAY) {
        judging.add(judge(drawing.remove()));
      }
      while (judging.size() > plan.judges() + 1) {
        pass(judging.remove(), sink);
      }
    }
    while (!drawing.isEmpty()) {
      judging.add(judge(drawing.remove()));
    }
    while (!judging.isEmpty()) {
      pass(judging.remove(), sink);
    }
  }

  private Chunk draw(int first, List<Position> positions) {
    List<List<GenerationHandle>> underWay = new ArrayList<>();
    for (int i = 0; i < positions.size(); i++) {
      DrawShape shape = plan.shapes().get((first + i) % plan.shapes().size());
      SamplingOptions sampling =
          SamplingOptions.builder()
              .maxNewTokens(shape.newTokens())
              .stopStrings(List.of("\n"))
              .seed(seedOf(first + i))
              .build();
      String prompt = positions.get(i).promptTail(TAIL_CHARACTERS);
      underWay.add(
          decoder.generate(
              new GenerationRequest(prompt, true, shape.promptTokens(), sampling), plan.samples()));
    }
    return new Chunk(first, positions, underWay);
  }

  /** Waits for the chunk's completions; judges them elsewhere. */
  private Future<List<LabelledGroup>> judge(Chunk chunk) {
    List<List<Generation>> drawn =
        chunk.underWay().stream()
            .map(group -> group.stream().map(handle -> handle.result().join()).toList())
            .toList();
    return executor.submit(
        () -> {
          ParseCheck parseCheck = parseChecks.take();
          try {
            return label(chunk, drawn, parseCheck);
          } finally {
            parseChecks.add(parseCheck);
          }
        });
  }

  private List<LabelledGroup> label(
      Chunk chunk, List<List<Generation>> drawn, ParseCheck parseCheck) {
    List<Trial> trials = new ArrayList<>();
    for (int i = 0; i < drawn.size(); i++) {
      for (Generation generation : drawn.get(i)) {
        trials.add(new Trial(chunk.positions().get(i), generation.text()));
      }
    }
    BitSet harmful = parseCheck.breaks(trials);
    List<LabelledGroup> groups = new ArrayList<>();
    int trial = 0;
    for (int i = 0; i < drawn.size(); i++) {
      Position position = chunk.positions().get(i);
      SimulatedProgrammer programmer =
          new SimulatedProgrammer(
              plan.noise(),
              RandomGeneratorFactory.of("L64X128MixRandom").create(~seedOf(chunk.first() + i)));
      List<LabelledCompletion> completions = new ArrayList<>();
      for (Generation generation : drawn.get(i)) {
        completions.add(label(programmer, position, generation, harmful.get(trial++)));
      }
      groups.add(
          new LabelledGroup(
              name(position.file()),
              drawn.get(i).getFirst().promptTokens(),
              position.promptTail(TAIL_CHARACTERS),
              completions));
    }
    return groups;
  }

  /**
   * A label as the mesh would get it from this programmer: who takes a wrong suggestion by error is
   * believed to keep all of it.
   */
  private static LabelledCompletion label(
      SimulatedProgrammer programmer, Position position, Generation generation, boolean harmful) {
    Judgement judgement = programmer.react(position, generation.text());
    boolean accepted = judgement.outcome() == Outcome.ACCEPTED;
    int kept = accepted ? generation.text().stripTrailing().length() : judgement.charactersKept();
    return new LabelledCompletion(
        generation.tokens(),
        accepted ? kept : 0,
        kept,
        harmful,
        Optional.of(
            new Drawn(
                generation.text(),
                generation.logProbs(),
                generation.stopReason(),
                judgement.outcome())));
  }

  private static void pass(Future<List<LabelledGroup>> judged, GroupSink sink) throws IOException {
    try {
      for (LabelledGroup group : judged.get()) {
        sink.accept(group);
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException("judging failed: " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while judging", e);
    }
  }

  private long seedOf(int position) {
    return plan.seed() * 0x9E3779B97F4A7C15L + position;
  }

  private static String name(SourceFile file) {
    return file.artefact() + "/" + file.path();
  }

  @Override
  public void close() {
    executor.shutdownNow();
    parseChecks.forEach(ParseCheck::close);
  }
}
