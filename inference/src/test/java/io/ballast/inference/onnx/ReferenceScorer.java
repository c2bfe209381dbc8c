package io.ballast.inference.onnx;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.ReferenceDecoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The oracle: scoring heads on a decoder in plain loops and double precision, one completion at a
 * time, without packing.
 */
final class ReferenceScorer {
  private final DecoderConfig config;
  private final ReferenceDecoder decoder;

  ReferenceScorer(Path folder) {
    config = DecoderConfig.read(folder);
    decoder = new ReferenceDecoder(config, folder);
  }

  /** Returns the log-probability of each of the completion's tokens, nats. */
  double[] logProbs(TokenIds prompt, TokenIds completion) {
    double[][] logits = decoder.logits(prompt.concat(completion).toArray());
    double[] logProbs = new double[completion.size()];
    for (int c = 0; c < completion.size(); c++) {
      double[] next = logits[prompt.size() - 1 + c];
      double max = Arrays.stream(next).max().orElseThrow();
      double sum = Arrays.stream(next).map(z -> Math.exp(z - max)).sum();
      logProbs[c] = next[completion.get(c)] - max - Math.log(sum);
    }
    return logProbs;
  }

  /** Returns the features in their default order, shape [F]. */
  double[] features(TokenIds prompt, TokenIds completion) {
    double[][] hidden = decoder.hidden(prompt.concat(completion).toArray());
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

  static double score(
      Head head, double[] features, float[] mean, float[] std, HeadActivation activation) {
    double score = head.outputBias();
    if (head.hiddenBias().length == 0) {
      for (int f = 0; f < features.length; f++) {
        score += head.outputWeight()[f] * (features[f] - mean[f]) / std[f];
      }
      return score;
    }
    for (int n = 0; n < head.hiddenBias().length; n++) {
      double sum = head.hiddenBias()[n];
      for (int f = 0; f < features.length; f++) {
        sum += head.hiddenWeight()[n * features.length + f] * (features[f] - mean[f]) / std[f];
      }
      double unit =
          switch (activation) {
            case TANH -> Math.tanh(sum);
            case GELU -> sum * 0.5 * (1 + ReferenceDecoder.erf(sum / Math.sqrt(2)));
          };
      score += head.outputWeight()[n] * unit;
    }
    return score;
  }
}
