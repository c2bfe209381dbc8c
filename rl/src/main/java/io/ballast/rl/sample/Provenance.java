package io.ballast.rl.sample;

/**
 * Where a completion came from.
 *
 * @param sampleId the caller's name for it; may be empty
 * @param policyVersion the version that sampled it; may be empty for text from outside
 * @param iteration the iteration in which it was sampled, ≥ 0: staleness is counted from here
 */
public record Provenance(String sampleId, String policyVersion, long iteration) {
  /** Checks the range above. */
  public Provenance {
    if (iteration < 0) {
      throw new IllegalArgumentException("iteration: " + iteration + " (expected: >= 0)");
    }
  }

  /** Of a completion about which nothing is known. */
  public static Provenance unknown() {
    return new Provenance("", "", 0);
  }
}
