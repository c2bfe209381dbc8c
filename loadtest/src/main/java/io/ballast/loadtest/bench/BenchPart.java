package io.ballast.loadtest.bench;

import java.time.Duration;
import java.util.List;

/** Figures that are measured together. */
enum BenchPart {
  /** Decode and training. */
  ENGINE(Benchmark.FIRST),
  /** Score. */
  SCORE(Benchmark.FIRST),
  /** Cold start and memory. */
  MESH(Benchmark.FIRST),
  /** What a withheld suggestion costs. */
  OVERHEAD(Benchmark.FIRST),
  /** Decode and prefill of the default shape. */
  TINY(Benchmark.INFERENCE),
  /** Decode and prefill of 135 million parameters. */
  SMALL(Benchmark.INFERENCE),
  /** Callers that share steps, and a stream of unlike requests. */
  BATCHING(Benchmark.INFERENCE),
  /** Memory over many generations. */
  FLATNESS(Benchmark.INFERENCE),
  /** What an unloaded version leaves behind. */
  UNLOADING(Benchmark.INFERENCE),
  /** Transformers and llama.cpp. */
  PEERS(Benchmark.INFERENCE),
  /** The client of Triton. */
  TRITON(Benchmark.INFERENCE),
  /** A reward-server beside its engine. */
  CALLERS(Benchmark.REWARD),
  /** Five members beside one. */
  MEMBERS(Benchmark.REWARD),
  /** A person among trainers. */
  MIXED(Benchmark.REWARD),
  /** CPU of the server, by callers. */
  COST(Benchmark.REWARD),
  /** Servers of classifiers in Python. */
  SERVERS(Benchmark.REWARD),
  /** A reward-server's memory over many minutes. */
  FLOOD(Benchmark.REWARD),
  /** Both stages of the display gate. */
  STAGES(Benchmark.GATE),
  /** A safety test beside the same work by hand. */
  TEST(Benchmark.GATE),
  /** A learner's update. */
  UPDATE(Benchmark.LEARNER),
  /** A whole step by phase. */
  PHASES(Benchmark.LEARNER),
  /** A whole step beside TRL's. */
  TRAINER(Benchmark.LEARNER),
  /** Twice what a mesh can do. */
  OVERLOAD(Benchmark.OPERATIONS),
  /** What the mesh adds to what the model takes. */
  ADDED(Benchmark.OPERATIONS),
  /** What telemetry costs. */
  TELEMETRY(Benchmark.OPERATIONS),
  /** What TLS costs. */
  TLS(Benchmark.OPERATIONS),
  /** Versions that are swapped under load. */
  SWAPS(Benchmark.OPERATIONS),
  /** Two and four processes beside half as many. */
  GROWTH(Benchmark.OPERATIONS),
  /** Few events on record, and many. */
  EVENTS(Benchmark.OPERATIONS),
  /** A mesh's memory over a long time. */
  SOAK(Benchmark.OPERATIONS);

  /**
   * How much is measured.
   *
   * @param repetitions of each pair
   * @param gguf whether llama.cpp has a file
   * @param flood how long the flood lasts
   * @param soak how long the soak lasts
   * @param swapCalls calls under swaps
   * @param events on record
   */
  record Sizes(
      int repetitions, boolean gguf, Duration flood, Duration soak, long swapCalls, long events) {}

  /** Completions of a prompt, of the first benchmark. */
  static final List<Integer> WIDTHS = List.of(1, 8, 64);

  /** The same of the second. */
  static final List<Integer> DECODE_WIDTHS = List.of(1, 8, 32);

  private final Benchmark benchmark;

  BenchPart(Benchmark benchmark) {
    this.benchmark = benchmark;
  }

  /** The benchmark that it belongs to. */
  Benchmark benchmark() {
    return benchmark;
  }

  /** How long it takes, about. */
  BenchProgress.Part progress(Sizes sizes) {
    int repetitions = sizes.repetitions();
    return switch (this) {
      case ENGINE -> new BenchProgress.Part("engine", EngineBench.steps(WIDTHS, repetitions), 1.5);
      case SCORE -> new BenchProgress.Part("score", ScoreBench.steps(repetitions), 4.1);
      case MESH -> new BenchProgress.Part("mesh", MeshBench.START_STEPS, 8);
      case OVERHEAD -> new BenchProgress.Part("overhead", MeshBench.overheadSteps(repetitions), 13);
      case TINY ->
          new BenchProgress.Part("tiny", EngineBench.prefillSteps(DECODE_WIDTHS, repetitions), 1.2);
      case SMALL ->
          new BenchProgress.Part("135M", EngineBench.prefillSteps(DECODE_WIDTHS, repetitions), 12);
      case BATCHING -> new BenchProgress.Part("batching", BatchingBench.steps(repetitions), 2.5);
      case FLATNESS -> new BenchProgress.Part("memory", FlatMemoryBench.steps(), 0.5);
      case UNLOADING -> new BenchProgress.Part("unloading", UnloadBench.steps(), 1);
      case PEERS -> new BenchProgress.Part("peers", PeerBench.steps(repetitions, sizes.gguf()), 4);
      case TRITON -> new BenchProgress.Part("triton", TritonBench.steps(repetitions), 1);
      case CALLERS ->
          new BenchProgress.Part("callers", RewardLoadBench.engineSteps(repetitions), 6);
      case MEMBERS -> new BenchProgress.Part("members", RewardLoadBench.pairSteps(repetitions), 6);
      case MIXED -> new BenchProgress.Part("mixed", RewardLoadBench.pairSteps(repetitions), 23);
      case COST -> new BenchProgress.Part("cost", RewardLoadBench.costSteps(repetitions), 9);
      case SERVERS -> new BenchProgress.Part("servers", ClassifierBench.steps(repetitions), 10);
      case STAGES -> new BenchProgress.Part("stages", GateBench.steps(repetitions), 3.2);
      case TEST -> new BenchProgress.Part("test", SafetyTestBench.steps(repetitions), 12);
      case UPDATE -> new BenchProgress.Part("update", LearnerBench.backwardSteps(repetitions), 2.5);
      case PHASES -> new BenchProgress.Part("phases", LearnerBench.phaseSteps(repetitions), 15);
      case TRAINER -> new BenchProgress.Part("trainer", TrainerBench.steps(repetitions), 25);
      case FLOOD -> lasting("flood", RewardFloodBench.steps(), sizes.flood());
      case OVERLOAD -> new BenchProgress.Part("overload", OverloadBench.steps(repetitions), 28);
      case ADDED -> new BenchProgress.Part("added", AddedLatencyBench.steps(repetitions), 20);
      case TELEMETRY -> new BenchProgress.Part("telemetry", SettingBench.steps(repetitions), 16);
      case TLS -> new BenchProgress.Part("tls", SettingBench.steps(repetitions), 16);
      case SWAPS ->
          new BenchProgress.Part(
              "swaps",
              SwapBench.steps(),
              sizes.swapCalls() / SwapBench.CALLS_A_SECOND / SwapBench.steps());
      case GROWTH -> new BenchProgress.Part("growth", GrowthBench.steps(repetitions), 15);
      case EVENTS ->
          new BenchProgress.Part(
              "events",
              EventsBench.steps(sizes.events()),
              sizes.events() / EventsBench.ROWS_A_SECOND / EventsBench.steps(sizes.events()) + 2);
      case SOAK -> lasting("soak", SoakBench.steps(), sizes.soak());
    };
  }

  private static BenchProgress.Part lasting(String name, int steps, Duration time) {
    return new BenchProgress.Part(name, steps, time.toMillis() / 1e3 / steps);
  }
}
