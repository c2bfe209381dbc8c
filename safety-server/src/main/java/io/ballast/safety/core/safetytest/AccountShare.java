package io.ballast.safety.core.safetytest;

/**
 * What a test says of δ beyond its own prompts: how it is shared with other tests.
 *
 * <p>Two looks at δ each pass an unsafe candidate with probability up to 2δ, on whatever prompts.
 * So all looks at one candidate's weights have one account: the first fixes its δ, and a further
 * look is admitted as far as δ is left. A test that shares δ beforehand leaves some.
 *
 * <p>Source: Bonferroni; Thomas et al. 2019, Science 366.
 *
 * @param name of the account that tests of several candidates share, such as a run's id; may be
 *     empty
 * @param looks that δ is shared by, 1 to 1,000; 0: it is not shared, and a named account counts its
 *     looks and refuses none
 * @param totalDelta δ of all of them together
 */
public record AccountShare(String name, int looks, double totalDelta) {
  /** δ of one look. */
  double delta() {
    return looks == 0 ? totalDelta : totalDelta / looks;
  }

  /**
   * Whether the account of some weights has room for another look.
   *
   * @param spent δ of the looks so far
   * @param delta of the next
   */
  public static boolean hasRoom(double totalDelta, double spent, double delta) {
    return spent + delta <= totalDelta * (1 + 1e-9); // thirds do not add up to one
  }
}
