package io.ballast.loadtest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What measures each part of the benchmarks. */
final class PartBenches {
  private static final int PROMPTS = 64;
  private static final double FIRST_GOAL = 0.85;
  private static final double DECODE_GOAL = 0.90;
  private static final int TINY_PROMPT_TOKENS = 192;
  private static final int TINY_PREFILLS = 8;
  private static final int SMALL_PROMPT_TOKENS = 256;

  private final Path home;
  private final Path script;
  private final Path models;
  private final Path tiny;
  private final Path work;
  private final BenchPart.Sizes sizes;
  private final int repetitions;
  private final String python;
  private final @Nullable Path small;
  private final @Nullable Path gguf;
  private final @Nullable Path plot;
  private final Consumer<String> say;

  /**
   * Binds what is measured.
   *
   * @param home a built checkout
   * @param models what it serves
   * @param work a folder that may be written, deleted by whoever made it
   * @param sizes how much is measured
   * @param python the program that has what is compared with
   * @param small a Hugging Face folder for PEERS; null: random weights
   * @param gguf a file for llama.cpp; null: it is left out
   * @param plot where memory is drawn; null: nowhere
   * @param say told what a person should know
   */
  PartBenches(
      Path home,
      Path models,
      Path work,
      BenchPart.Sizes sizes,
      String python,
      @Nullable Path small,
      @Nullable Path gguf,
      @Nullable Path plot,
      Consumer<String> say) {
    this.home = home;
    this.script = home.resolve("mesh");
    this.models = models;
    this.tiny = models.resolve("java-tiny/1");
    this.work = work;
    this.sizes = sizes;
    this.repetitions = sizes.repetitions();
    this.python = python;
    this.small = small;
    this.gguf = gguf;
    this.plot = plot;
    this.say = say;
  }

  /**
   * Measures a part.
   *
   * @param step told as often as {@link BenchPart#progress} says
   */
  List<Figure> measure(BenchPart part, Runnable step)
      throws IOException, InterruptedException, SQLException {
    return switch (part) {
      case ENGINE -> engine(tiny, FIRST_GOAL, step).decodingAndTraining(BenchPart.WIDTHS, PROMPTS);
      case SCORE -> List.of(new ScoreBench(models, work, repetitions, step).run());
      case MESH -> mesh(step).startAndMemory();
      case OVERHEAD -> mesh(step).overhead();
      case TINY ->
          engine(tiny, DECODE_GOAL, step)
              .decodingAndPrefill(
                  "tiny", BenchPart.DECODE_WIDTHS, TINY_PROMPT_TOKENS, TINY_PREFILLS);
      case SMALL ->
          engine(RandomWeights.shapeOf135Million(tiny, work.resolve("135M")), DECODE_GOAL, step)
              .decodingAndPrefill("135M", BenchPart.DECODE_WIDTHS, SMALL_PROMPT_TOKENS, 1);
      case BATCHING -> new BatchingBench(tiny, work, repetitions, System::nanoTime, step).run();
      case FLATNESS -> flatness(step);
      case UNLOADING ->
          UnloadBench.figures(new UnloadBench(tiny, work, UnloadBench.steps(), step).turns());
      case PEERS -> peers(step);
      case TRITON -> new TritonBench(home, work, repetitions, System::nanoTime, step, say).run();
      case CALLERS -> reward(step).besideTheEngine();
      case MEMBERS -> reward(step).members();
      case MIXED -> reward(step).mixed();
      case COST -> reward(step).cost();
      case SERVERS -> new ClassifierBench(script, tiny, work, python, repetitions, step, say).run();
      case FLOOD -> flood(step);
      case STAGES -> new GateBench(models, repetitions, System::nanoTime, step).run();
      case TEST -> new SafetyTestBench(script, work, repetitions, step).run();
      case UPDATE -> learner(step).backward();
      case PHASES -> learner(step).phases();
      case TRAINER -> new TrainerBench(script, tiny, work, python, repetitions, step, say).run();
      case OVERLOAD -> new OverloadBench(script, work, repetitions, step).run();
      case ADDED -> new AddedLatencyBench(script, work, repetitions, step).run();
      case TELEMETRY -> new SettingBench(script, work, repetitions, step).telemetry();
      case TLS -> new SettingBench(script, work, repetitions, step).encryption();
      case SWAPS -> new SwapBench(script, models, work, sizes.swapCalls(), step, say).run();
      case GROWTH -> new GrowthBench(script, work, repetitions, step).run();
      case EVENTS ->
          new EventsBench(script, work, sizes.events(), InstantSource.system(), step).run();
      case SOAK -> soak(step);
    };
  }

  private EngineBench engine(Path model, double goal, Runnable step) {
    return new EngineBench(model, work, goal, repetitions, System::nanoTime, step);
  }

  private MeshBench mesh(Runnable step) {
    return new MeshBench(script, models, work, repetitions, step);
  }

  private LearnerBench learner(Runnable step) {
    return new LearnerBench(script, tiny, work, repetitions, System::nanoTime, step);
  }

  private List<Figure> flatness(Runnable step) throws IOException {
    List<FlatMemoryBench.Sample> samples = new FlatMemoryBench(tiny, work, step).sample();
    if (plot != null) {
      Files.writeString(plot, FlatMemoryBench.svg(samples));
    }
    return FlatMemoryBench.figures(samples);
  }

  private RewardLoadBench reward(Runnable step) {
    return new RewardLoadBench(script, models, work, repetitions, step);
  }

  private List<Figure> flood(Runnable step) throws IOException, InterruptedException {
    RewardFloodBench.Flood seen = new RewardFloodBench(script, work, sizes.flood(), step).flood();
    if (plot != null) {
      Files.writeString(plot, RewardFloodBench.svg(seen));
    }
    return RewardFloodBench.figures(seen);
  }

  private List<Figure> soak(Runnable step) throws IOException, InterruptedException {
    SoakBench.Soak seen = new SoakBench(script, work, sizes.soak(), step).soak();
    if (plot != null) {
      Files.writeString(plot, SoakBench.svg(seen));
    }
    return SoakBench.figures(seen);
  }

  private List<Figure> peers(Runnable step) throws IOException {
    Path large =
        small != null
            ? small
            : RandomWeights.of(
                RandomWeights.shapeOf135Million(tiny, work.resolve("peer-shape")),
                work.resolve("peer-135M"));
    return new PeerBench(
            python,
            work,
            repetitions,
            Runtime.getRuntime().availableProcessors(),
            System::nanoTime,
            step,
            say)
        .run(RandomWeights.of(tiny, work.resolve("peer-tiny")), large, gguf);
  }
}
