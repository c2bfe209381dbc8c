package io.ballast.loadtest.bench;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Which benchmark. */
enum Benchmark {
  /** What the mesh costs as a whole. */
  FIRST,
  /** What runs the models. */
  INFERENCE,
  /** The reward-server. */
  REWARD,
  /** The display gate and the safety test. */
  GATE,
  /** A step of reinforcement learning. */
  LEARNER,
  /** A mesh under overload, swaps and time. */
  OPERATIONS;

  /** Reads the name of a benchmark as people write it. */
  static final class Converter implements ITypeConverter<Benchmark> {
    @Override
    public Benchmark convert(String value) {
      return switch (value) {
        case "first" -> FIRST;
        case "inference" -> INFERENCE;
        case "reward" -> REWARD;
        case "gate" -> GATE;
        case "learner" -> LEARNER;
        case "operations" -> OPERATIONS;
        default ->
            throw new TypeConversionException(
                "'"
                    + value
                    + "' (expected: first, inference, reward, gate, learner or operations)");
      };
    }
  }
}
