package io.ballast.safety.core.gate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What moved a stage's estimate: {@code base} + {@code strongest} + {@code others} are the trees'
 * log-odds, to the rounding of single precision.
 *
 * @param base the trees' mean
 * @param strongest what moved it most, the strongest first; nothing that moved nothing
 * @param others what the other features added together
 */
public record Contributions(double base, List<Contribution> strongest, double others) {
  /** Copies the list. */
  public Contributions {
    strongest = List.copyOf(strongest);
  }

  /** Explains an estimate by at most {@code most} features. */
  static Contributions of(AcceptModel model, float[] features, int most) {
    double[] moved = model.contributions(features);
    List<Contribution> all = new ArrayList<>();
    for (int i = 0; i < features.length; i++) {
      if (moved[i] != 0) {
        all.add(new Contribution(model.spec().features().get(i), features[i], moved[i]));
      }
    }
    all.sort(Comparator.comparingDouble(each -> -Math.abs(each.logOdds())));
    int shown = Math.min(most, all.size());
    double others =
        all.subList(shown, all.size()).stream().mapToDouble(Contribution::logOdds).sum();
    return new Contributions(moved[features.length], all.subList(0, shown), others);
  }
}
