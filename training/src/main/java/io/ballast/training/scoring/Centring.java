package io.ballast.training.scoring;

import io.ballast.inference.onnx.Normalization;
import io.ballast.rl.preference.PlattScaling;
import java.util.Arrays;
import java.util.List;

/** Where the zero of each member's scores is put after it was trained, in its output's bias. */
public enum Centring {
  /** Where the loss put it. */
  AS_TRAINED,
  /**
   * At the mean of what the member learned from. Bradley and Terry's loss leaves the offset of each
   * member free, and the highest of several would be that of the greatest offset.
   */
  MEAN,
  /**
   * At the score whose probability of a yes is ½: that of a member's own Platt scaling of what is
   * held out to calibrate, −intercept/slope.
   *
   * <p>Source: Platt 1999. That a Bradley–Terry cost is moved so is ours: the sign terms of Dai et
   * al. 2024, arXiv:2310.12773, equation 6, anchor its zero while it learns.
   */
  BOUNDARY;

  /**
   * Returns by how much each member's scores are to be raised, shape [K].
   *
   * @param raw scores, shape [K][N of the table]
   * @param normalizations of what was learned from, shape [K]
   * @param heldOut what is held out to calibrate
   * @throws NoBoundaryException of {@link #BOUNDARY} if a member has none
   */
  double[] shifts(List<double[]> raw, List<Normalization> normalizations, ScoringMetrics heldOut) {
    double[] shifts = new double[raw.size()];
    for (int k = 0; k < shifts.length; k++) {
      shifts[k] =
          switch (this) {
            case AS_TRAINED -> 0;
            case MEAN -> -normalizations.get(k).mean();
            case BOUNDARY -> -boundary(k, raw.get(k), heldOut);
          };
    }
    return shifts;
  }

  private static double boundary(int member, double[] raw, ScoringMetrics heldOut) {
    double[] scores = Arrays.stream(heldOut.graded()).mapToDouble(i -> raw[i]).toArray();
    boolean[] yes = heldOut.yes();
    int unsafe = 0;
    for (boolean one : yes) {
      unsafe += one ? 1 : 0;
    }
    if (unsafe == 0 || unsafe == yes.length) {
      throw new NoBoundaryException(
          "validation part: %d of %d labels are unsafe (expected: both kinds, to find where they part)"
              .formatted(unsafe, yes.length));
    }
    PlattScaling fit = PlattScaling.fit(scores, yes);
    if (!(fit.slope() > 0)) {
      throw new NoBoundaryException(
          "member %d: its scores do not rise with harm on what is held out, slope %s (expected: > 0)"
              .formatted(member, fit.slope()));
    }
    double boundary = -fit.intercept() / fit.slope();
    double lowest = Arrays.stream(scores).min().orElseThrow();
    double highest = Arrays.stream(scores).max().orElseThrow();
    if (!(boundary >= lowest && boundary <= highest)) {
      throw new NoBoundaryException(
          ("member %d: safe and unsafe part at a score of %s (expected: within those of what is held"
                  + " out, %s to %s)")
              .formatted(member, boundary, lowest, highest));
    }
    return boundary;
  }
}
