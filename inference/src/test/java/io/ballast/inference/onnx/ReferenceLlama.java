package io.ballast.inference.onnx;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.torch.DecoderConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The oracle: a Llama decoder and scoring heads in plain loops and double precision, one completion
 * at a time, without packing.
 */
final class ReferenceLlama {
  private final DecoderConfig config;
  private final SafetensorsFile weights;

  ReferenceLlama(Path folder) {
    config = DecoderConfig.read(folder);
    weights = SafetensorsFile.open(folder.resolve("model.safetensors"));
  }

  /** Returns the normalised hidden state of each token, shape [T][D]. */
  double[][] hidden(TokenIds tokens) {
    int length = tokens.size();
    int width = config.hiddenSize();
    float[] embedding = embedding();
    double[][] x = new double[length][width];
    for (int t = 0; t < length; t++) {
      for (int d = 0; d < width; d++) {
        x[t][d] = embedding[tokens.get(t) * width + d];
      }
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "model.layers." + layer + ".";
      add(x, attention(block + "self_attn.", norm(x, block + "input_layernorm.weight")));
      add(x, feedForward(block + "mlp.", norm(x, block + "post_attention_layernorm.weight")));
    }
    return norm(x, "model.norm.weight");
  }

  /** Returns the log-probability of each of the completion's tokens, nats. */
  double[] logProbs(TokenIds prompt, TokenIds completion) {
    double[][] hidden = hidden(prompt.concat(completion));
    int width = config.hiddenSize();
    float[] head =
        config.tiedHead()
            ? embedding()
            : read("lm_head.weight", config.vocabularySize(), config.hiddenSize());
    double[] logProbs = new double[completion.size()];
    for (int c = 0; c < completion.size(); c++) {
      double[] state = hidden[prompt.size() - 1 + c];
      double[] logits = new double[config.vocabularySize()];
      for (int v = 0; v < logits.length; v++) {
        for (int d = 0; d < width; d++) {
          logits[v] += state[d] * head[v * width + d];
        }
      }
      double max = Arrays.stream(logits).max().orElseThrow();
      double sum = Arrays.stream(logits).map(z -> Math.exp(z - max)).sum();
      logProbs[c] = logits[completion.get(c)] - max - Math.log(sum);
    }
    return logProbs;
  }

  /** Returns the features in their default order, shape [F]. */
  double[] features(TokenIds prompt, TokenIds completion) {
    double[][] hidden = hidden(prompt.concat(completion));
    double[] logProbs = logProbs(prompt, completion);
    int n = completion.size();
    List<Double> features = new ArrayList<>();
    for (double h : hidden[prompt.size() + n - 1]) {
      features.add(h);
    }
    for (int d = 0; d < config.hiddenSize(); d++) {
      double sum = 0;
      for (int c = 0; c < n; c++) {
        sum += hidden[prompt.size() + c][d];
      }
      features.add(sum / n);
    }
    features.add(Arrays.stream(logProbs).sum());
    features.add(Arrays.stream(logProbs).sum() / n);
    features.add(Arrays.stream(logProbs).min().orElseThrow());
    features.add(logProbs[0]);
    features.add(Arrays.stream(logProbs).limit(2).sum());
    features.add(Arrays.stream(logProbs).limit(4).sum());
    features.add((double) n);
    features.add(Math.log(n));
    return features.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Returns the heads' raw scores, shape [K]. */
  double[] scores(TokenIds prompt, TokenIds completion, ScoringModel model) {
    double[] features = features(prompt, completion);
    float[] mean = model.heads().featureMean();
    float[] std = model.heads().featureStd();
    return model.heads().heads().stream()
        .mapToDouble(head -> score(head, features, mean, std, model.spec().activation()))
        .toArray();
  }

  private static double score(
      Head head, double[] features, float[] mean, float[] std, HeadActivation activation) {
    double score = head.outputBias();
    for (int n = 0; n < head.hiddenBias().length; n++) {
      double sum = head.hiddenBias()[n];
      for (int f = 0; f < features.length; f++) {
        sum += head.hiddenWeight()[n * features.length + f] * (features[f] - mean[f]) / std[f];
      }
      double unit =
          switch (activation) {
            case TANH -> Math.tanh(sum);
            case GELU -> sum * 0.5 * (1 + erf(sum / Math.sqrt(2)));
          };
      score += head.outputWeight()[n] * unit;
    }
    return score;
  }

  /** The error function by its series; exact enough for |x| up to 5, where it is 1. */
  private static double erf(double x) {
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

  private double[][] attention(String name, double[][] x) {
    int size = config.headSize();
    int repeat = config.attentionHeads() / config.keyValueHeads();
    int keyWidth = config.keyValueHeads() * size;
    double[][] query = rotated(linear(x, name + "q_proj.weight", config.hiddenSize()));
    double[][] key = rotated(linear(x, name + "k_proj.weight", keyWidth));
    double[][] value = linear(x, name + "v_proj.weight", keyWidth);
    double[][] attended = new double[x.length][config.hiddenSize()];
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
    return linear(attended, name + "o_proj.weight", config.hiddenSize());
  }

  private double[][] rotated(double[][] x) {
    int size = config.headSize();
    int half = size / 2;
    double[][] y = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int from = 0; from < x[0].length; from += size) {
        for (int i = 0; i < half; i++) {
          double angle = t * Math.pow(config.ropeTheta(), -2.0 * i / size);
          double a = x[t][from + i];
          double b = x[t][from + half + i];
          y[t][from + i] = a * Math.cos(angle) - b * Math.sin(angle);
          y[t][from + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
        }
      }
    }
    return y;
  }

  private double[][] feedForward(String name, double[][] x) {
    double[][] gate = linear(x, name + "gate_proj.weight", config.intermediateSize());
    double[][] up = linear(x, name + "up_proj.weight", config.intermediateSize());
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < gate[t].length; i++) {
        gate[t][i] = gate[t][i] / (1 + Math.exp(-gate[t][i])) * up[t][i];
      }
    }
    return linear(gate, name + "down_proj.weight", config.hiddenSize());
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
    double[][] y = new double[x.length][weight.length];
    for (int t = 0; t < x.length; t++) {
      double square = Arrays.stream(x[t]).map(v -> v * v).sum() / weight.length;
      for (int d = 0; d < weight.length; d++) {
        y[t][d] = x[t][d] / Math.sqrt(square + config.rmsNormEpsilon()) * weight[d];
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

  private float[] embedding() {
    return read("model.embed_tokens.weight", config.vocabularySize(), config.hiddenSize());
  }

  private float[] read(String name, long... shape) {
    return weights.read(name, Arrays.stream(shape).boxed().toList());
  }
}
