package io.ballast.standalone.demo.mesh;

/**
 * How much a model sees and writes.
 *
 * @param prompt the most tokens of a prompt, the last ones
 * @param completion the most tokens of a completion
 */
public record TokenLimits(int prompt, int completion) {
  /** What the policy-server's Suggest uses unless it is configured otherwise. */
  public static final TokenLimits SERVING = new TokenLimits(96, 24);
}
