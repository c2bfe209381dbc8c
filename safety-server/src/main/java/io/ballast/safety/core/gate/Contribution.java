package io.ballast.safety.core.gate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How much one number moved a stage's estimate.
 *
 * @param feature its name
 * @param value what it was; NaN: missing
 * @param logOdds what it added to the log-odds, before calibration
 */
public record Contribution(String feature, float value, double logOdds) {
  /** Returns the {@code most} that moved it most, the strongest first; none that moved nothing. */
  static List<Contribution> strongest(AcceptModel model, float[] features, int most) {
    double[] moved = model.contributions(features);
    List<Contribution> all = new ArrayList<>();
    for (int i = 0; i < moved.length; i++) {
      if (moved[i] != 0) {
        all.add(new Contribution(model.spec().features().get(i), features[i], moved[i]));
      }
    }
    all.sort(Comparator.comparingDouble(each -> -Math.abs(each.logOdds())));
    return List.copyOf(all.subList(0, Math.min(most, all.size())));
  }
}
