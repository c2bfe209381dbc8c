package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.onnx.ScoringHeads.Head;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A head's gradient is what its score does when a weight moves a little. */
class HeadNetworkTest {
  private static final float[] FEATURES = {0.3f, -1.2f, 2, 0, 0.7f};

  @Test
  void theGradientAgreesWithFiniteDifferences() {
    HeadNetwork network = new HeadNetwork(5, 4, new SplittableRandom(1));
    double[] units = new double[4];
    network.forward(FEATURES, units);
    network.backward(FEATURES, units, 1);
    double step = 1e-6;
    for (int i = 0; i < network.parameters().length; i++) {
      double weight = network.parameters()[i];
      network.parameters()[i] = weight + step;
      double above = network.forward(FEATURES, units);
      network.parameters()[i] = weight - step;
      double below = network.forward(FEATURES, units);
      network.parameters()[i] = weight;
      assertThat(network.gradients()[i]).isCloseTo((above - below) / (2 * step), within(1e-8));
    }
  }

  @Test
  void theSavedHeadGivesTheSameScore() {
    HeadNetwork network = new HeadNetwork(5, 4, new SplittableRandom(2));
    Head head = network.head();
    double score = head.outputBias();
    for (int n = 0; n < 4; n++) {
      double sum = head.hiddenBias()[n];
      for (int f = 0; f < 5; f++) {
        sum += head.hiddenWeight()[n * 5 + f] * FEATURES[f];
      }
      score += head.outputWeight()[n] * Math.tanh(sum);
    }
    assertThat(network.forward(FEATURES, new double[4])).isCloseTo(score, within(1e-6));
  }
}
