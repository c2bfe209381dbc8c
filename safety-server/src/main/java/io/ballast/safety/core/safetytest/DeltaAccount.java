package io.ballast.safety.core.safetytest;

/**
 * What went before a look, as its certificate says it.
 *
 * @param share what the test said
 * @param ofWeights earlier looks at the candidate's weights, given back ones apart
 * @param ofName earlier looks of the named account; none if it has no name
 */
public record DeltaAccount(AccountShare share, Earlier ofWeights, Earlier ofName) {
  /**
   * Earlier looks.
   *
   * @param looks how many
   * @param delta their δ together
   */
  public record Earlier(int looks, double delta) {
    /** None. */
    public static final Earlier NONE = new Earlier(0, 0);

    private String text() {
      return "%,d earlier %s, delta %s together"
          .formatted(looks, looks == 1 ? "look" : "looks", delta);
    }
  }

  /**
   * In words.
   *
   * @param delta of this look
   */
  String text(double delta) {
    String weights =
        "these weights had %s; this look has %s of %s"
            .formatted(ofWeights.text(), delta, share.totalDelta());
    return share.name().isEmpty()
        ? weights
        : "%s; account '%s' had %s".formatted(weights, share.name(), ofName.text());
  }
}
