package io.ballast.inference.torch;

import io.ballast.inference.store.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The oracle: a decoder of any family in plain loops and double precision, one text at a time,
 * without a cache. Its frequencies are written as the papers' reference code has them.
 */
public final class ReferenceDecoder {
  private final DecoderConfig config;
  private final SafetensorsFile weights;

  public ReferenceDecoder(DecoderConfig config, Path folder) {
    this.config = config;
    this.weights = SafetensorsFile.open(folder.resolve("model.safetensors"));
  }

  /** Returns the normalised hidden state of each token, shape [T][D]. */
  public double[][] hidden(int... tokens) {
    int width = config.hiddenSize();
    float[] embedding = read("model.embed_tokens.weight", config.vocabularySize(), width);
    double scale = config.family() == DecoderFamily.GEMMA ? Math.sqrt(width) : 1;
    double[][] x = new double[tokens.length][width];
    for (int t = 0; t < tokens.length; t++) {
      for (int d = 0; d < width; d++) {
        x[t][d] = scale * embedding[tokens[t] * width + d];
      }
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "model.layers." + layer + ".";
      add(x, attention(block + "self_attn.", norm(x, block + "input_layernorm.weight")));
      add(x, feedForward(block + "mlp.", norm(x, block + "post_attention_layernorm.weight")));
    }
    return norm(x, "model.norm.weight");
  }

  /** Returns the logits after each token, shape [T][V]. */
  public double[][] logits(int... tokens) {
    String name = config.tiedHead() ? "model.embed_tokens.weight" : "lm_head.weight";
    return linear(hidden(tokens), name, config.vocabularySize());
  }

  private double[][] attention(String name, double[][] x) {
    int size = config.headSize();
    int repeat = config.attentionHeads() / config.keyValueHeads();
    int width = config.attentionHeads() * size;
    int keyWidth = config.keyValueHeads() * size;
    double[][] query = projected(x, name + "q_proj", width, config.queryKeyValueBias());
    double[][] key = projected(x, name + "k_proj", keyWidth, config.queryKeyValueBias());
    double[][] value = projected(x, name + "v_proj", keyWidth, config.queryKeyValueBias());
    if (config.family() == DecoderFamily.QWEN3) {
      query = headNorm(query, name + "q_norm.weight");
      key = headNorm(key, name + "k_norm.weight");
    }
    query = rotated(query);
    key = rotated(key);
    double[][] attended = new double[x.length][width];
    for (int h = 0; h < config.attentionHeads(); h++) {
      int from = h * size;
      int keyFrom = h / repeat * size;
      for (int t = 0; t < x.length; t++) {
        double[] weight = new double[t + 1];
        double total = 0;
        for (int s = 0; s <= t; s++) {
          double dot = 0;
          for (int d = 0; d < size; d++) {
            dot += query[t][from + d] * key[s][keyFrom + d];
          }
          weight[s] = Math.exp(dot / Math.sqrt(size));
          total += weight[s];
        }
        for (int s = 0; s <= t; s++) {
          for (int d = 0; d < size; d++) {
            attended[t][from + d] += weight[s] / total * value[s][keyFrom + d];
          }
        }
      }
    }
    return projected(attended, name + "o_proj", config.hiddenSize(), config.outputBias());
  }

  private double[][] projected(double[][] x, String name, int rows, boolean bias) {
    double[][] y = linear(x, name + ".weight", rows);
    if (bias) {
      float[] shift = read(name + ".bias", rows);
      for (double[] row : y) {
        for (int i = 0; i < rows; i++) {
          row[i] += shift[i];
        }
      }
    }
    return y;
  }

  private double[][] headNorm(double[][] x, String name) {
    int size = config.headSize();
    float[] gain = read(name, size);
    double[][] y = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int from = 0; from < x[t].length; from += size) {
        double square = 0;
        for (int d = 0; d < size; d++) {
          square += x[t][from + d] * x[t][from + d] / size;
        }
        for (int d = 0; d < size; d++) {
          y[t][from + d] = gain[d] * x[t][from + d] / Math.sqrt(square + config.rmsNormEpsilon());
        }
      }
    }
    return y;
  }

  private double[][] rotated(double[][] x) {
    int size = config.headSize();
    int half = size / 2;
    double[][] y = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int from = 0; from < x[0].length; from += size) {
        for (int i = 0; i < half; i++) {
          double angle = t * frequency(i);
          double cos = temperature() * Math.cos(angle);
          double sin = temperature() * Math.sin(angle);
          double a = x[t][from + i];
          double b = x[t][from + half + i];
          y[t][from + i] = a * cos - b * sin;
          y[t][from + half + i] = b * cos + a * sin;
        }
      }
    }
    return y;
  }

  private double temperature() {
    return config.ropeScaling() instanceof RopeScaling.Yarn yarn ? yarn.attentionFactor() : 1;
  }

  private double frequency(int i) {
    int size = config.headSize();
    double plain = 1 / Math.pow(config.ropeTheta(), 2.0 * i / size);
    return switch (config.ropeScaling()) {
      case RopeScaling.None none -> plain;
      case RopeScaling.DynamicNtk ntk -> plain;
      case RopeScaling.Linear linear -> plain / linear.factor();
      case RopeScaling.Llama3 l -> {
        double wave = 2 * Math.PI / plain;
        double longest = l.originalContext() / l.lowFrequencyFactor();
        double shortest = l.originalContext() / l.highFrequencyFactor();
        if (wave > longest) {
          yield plain / l.factor();
        }
        if (wave < shortest) {
          yield plain;
        }
        double smooth =
            (l.originalContext() / wave - l.lowFrequencyFactor())
                / (l.highFrequencyFactor() - l.lowFrequencyFactor());
        yield (1 - smooth) * plain / l.factor() + smooth * plain;
      }
      case RopeScaling.Yarn y -> {
        double low = Math.floor(turning(y.betaFast(), y.originalContext()));
        double high = Math.ceil(turning(y.betaSlow(), y.originalContext()));
        low = Math.max(low, 0);
        high = Math.min(high, size - 1);
        double ramp = Math.min(1, Math.max(0, (i - low) / (high - low)));
        yield plain / y.factor() * ramp + plain * (1 - ramp);
      }
    };
  }

  private double turning(double turns, int context) {
    return config.headSize()
        * Math.log(context / (turns * 2 * Math.PI))
        / (2 * Math.log(config.ropeTheta()));
  }

  private double[][] feedForward(String name, double[][] x) {
    double[][] gate = linear(x, name + "gate_proj.weight", config.intermediateSize());
    double[][] up = linear(x, name + "up_proj.weight", config.intermediateSize());
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < gate[t].length; i++) {
        gate[t][i] = activation(gate[t][i]) * up[t][i];
      }
    }
    return linear(gate, name + "down_proj.weight", config.hiddenSize());
  }

  private double activation(double x) {
    return switch (config.activation()) {
      case SILU -> x / (1 + Math.exp(-x));
      case GELU_TANH ->
          0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case GELU -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
    };
  }

  /** The error function by its series; exact enough for |x| up to 5, where it is 1. */
  public static double erf(double x) {
    if (Math.abs(x) > 5) {
      return Math.signum(x);
    }
    double power = x;
    double sum = x;
    for (int n = 1; n < 120; n++) {
      power *= -x * x / n;
      sum += power / (2 * n + 1);
    }
    return sum * 2 / Math.sqrt(Math.PI);
  }

  private double[][] linear(double[][] x, String name, int rows) {
    int columns = x[0].length;
    float[] weight = read(name, rows, columns);
    double[][] y = new double[x.length][rows];
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
          y[t][i] += weight[i * columns + j] * x[t][j];
        }
      }
    }
    return y;
  }

  private double[][] norm(double[][] x, String name) {
    float[] weight = read(name, config.hiddenSize());
    double shift = config.family() == DecoderFamily.GEMMA ? 1 : 0;
    double[][] y = new double[x.length][weight.length];
    for (int t = 0; t < x.length; t++) {
      double square = Arrays.stream(x[t]).map(v -> v * v).sum() / weight.length;
      for (int d = 0; d < weight.length; d++) {
        y[t][d] = x[t][d] / Math.sqrt(square + config.rmsNormEpsilon()) * (shift + weight[d]);
      }
    }
    return y;
  }

  private static void add(double[][] x, double[][] y) {
    for (int t = 0; t < x.length; t++) {
      for (int d = 0; d < x[t].length; d++) {
        x[t][d] += y[t][d];
      }
    }
  }

  private float[] read(String name, long... shape) {
    return weights.read(name, Arrays.stream(shape).boxed().toList());
  }
}
