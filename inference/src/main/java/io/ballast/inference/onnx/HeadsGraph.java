package io.ballast.inference.onnx;

import io.ballast.inference.onnx.ScoringHeads.Head;

/**
 * Heads over features in a graph, and the sums of those that judge by several objectives.
 *
 * <p>Shape letters: M completions, F features, H trained heads, N hidden units of a head, K
 * members, O objectives.
 */
final class HeadsGraph {
  private final OnnxGraph graph;

  HeadsGraph(OnnxGraph graph) {
    this.graph = graph;
  }

  /**
   * What heads say.
   *
   * @param scores float [M, K]
   * @param objectives float [M, K, O], the raw numbers that scores are sums of; empty if there are
   *     no objectives
   */
  record Judged(String scores, String objectives) {
    static Judged of(String scores) {
      return new Judged(scores, "");
    }
  }

  /** What a model's heads say of features that all of them see. */
  Judged judged(String features, ScoringModel model) {
    ScoringSpec spec = model.spec();
    String raw = scores(features, model.heads(), spec.activation(), "");
    return spec.objectives().isEmpty() ? Judged.of(raw) : summed(raw, spec);
  }

  /** Σₒ weightₒ · (rawₖₒ − meanₖₒ) / stdₖₒ of each member. */
  private Judged summed(String raw, ScoringSpec spec) {
    int members = spec.heads();
    int count = spec.objectives().size();
    float[] mean = new float[members * count];
    float[] std = new float[members * count];
    float[] weight = new float[count];
    for (int o = 0; o < count; o++) {
      ScoringObjective objective = spec.objectives().get(o);
      weight[o] = (float) objective.weight();
      for (int k = 0; k < members; k++) {
        mean[k * count + o] = (float) objective.normalizations().get(k).mean();
        std[k * count + o] = (float) objective.normalizations().get(k).std();
      }
    }
    String each = graph.reshape(raw, -1, members, count);
    String centred =
        graph.apply("Sub", each, graph.weight("objectives.mean", mean, members, count));
    String standard =
        graph.apply("Div", centred, graph.weight("objectives.std", std, members, count));
    String weighted =
        graph.apply("Mul", standard, graph.weight("objectives.weight", weight, count));
    return new Judged(graph.sum(weighted, 2, false), each);
  }

  /** Heads over one set of features; {@code prefix} of the names of their weights in the graph. */
  String scores(String features, ScoringHeads heads, HeadActivation activation, String prefix) {
    int width = heads.featureCount();
    String centred =
        graph.apply(
            "Sub", features, graph.weight(prefix + "features.mean", heads.featureMean(), width));
    String standard =
        graph.apply(
            "Div", centred, graph.weight(prefix + "features.std", heads.featureStd(), width));
    return heads.hiddenWidth() == 0
        ? linear(standard, heads, prefix)
        : layered(standard, heads, activation, prefix);
  }

  /** All linear heads at once: one product of width K. */
  private String linear(String standard, ScoringHeads heads, String prefix) {
    int count = heads.size();
    int width = heads.featureCount();
    float[] weight = new float[width * count];
    float[] bias = new float[count];
    for (int k = 0; k < count; k++) {
      Head head = heads.heads().get(k);
      float[] ofHead = head.outputWeight();
      for (int f = 0; f < width; f++) {
        weight[f * count + k] = ofHead[f];
      }
      bias[k] = head.outputBias();
    }
    String product =
        graph.apply(
            "MatMul", standard, graph.weight(prefix + "heads.output.weight", weight, width, count));
    return graph.apply("Add", product, graph.weight(prefix + "heads.output.bias", bias, count));
  }

  /** All heads at once: one product of width K·N, then a sum over each head's units. */
  private String layered(
      String standard, ScoringHeads heads, HeadActivation activation, String prefix) {
    int count = heads.size();
    int units = heads.hiddenWidth();
    int width = heads.featureCount();
    float[] hiddenWeight = new float[width * count * units];
    float[] hiddenBias = new float[count * units];
    float[] outputWeight = new float[count * units];
    float[] outputBias = new float[count];
    for (int k = 0; k < count; k++) {
      Head head = heads.heads().get(k);
      float[] weight = head.hiddenWeight();
      for (int n = 0; n < units; n++) {
        for (int f = 0; f < width; f++) {
          hiddenWeight[f * count * units + k * units + n] = weight[n * width + f];
        }
      }
      System.arraycopy(head.hiddenBias(), 0, hiddenBias, k * units, units);
      System.arraycopy(head.outputWeight(), 0, outputWeight, k * units, units);
      outputBias[k] = head.outputBias();
    }
    String hidden =
        graph.apply(
            "Add",
            graph.apply(
                "MatMul",
                standard,
                graph.weight(
                    prefix + "heads.hidden.weight", hiddenWeight, width, (long) count * units)),
            graph.weight(prefix + "heads.hidden.bias", hiddenBias, (long) count * units));
    String weighted =
        graph.apply(
            "Mul",
            activated(hidden, activation, prefix),
            graph.weight(prefix + "heads.output.weight", outputWeight, (long) count * units));
    String summed = graph.sum(graph.reshape(weighted, -1, count, units), 2, false);
    return graph.apply(
        "Add", summed, graph.weight(prefix + "heads.output.bias", outputBias, count));
  }

  private String activated(String x, HeadActivation activation, String prefix) {
    return switch (activation) {
      case TANH -> graph.apply("Tanh", x);
      case GELU -> {
        String scaled = graph.apply("Mul", x, graph.scalar(prefix + "gelu_scale", Math.sqrt(0.5)));
        String phi =
            graph.apply(
                "Mul",
                graph.apply(
                    "Add", graph.apply("Erf", scaled), graph.scalar(prefix + "gelu_one", 1)),
                graph.scalar(prefix + "gelu_half", 0.5));
        yield graph.apply("Mul", x, phi);
      }
    };
  }
}
