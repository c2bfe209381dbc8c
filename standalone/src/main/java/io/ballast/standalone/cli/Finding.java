package io.ballast.standalone.cli;

/**
 * What an examination found of one thing.
 *
 * @param mend what to do; empty if nothing
 */
record Finding(String subject, Health health, String detail, String mend) {
  /** How a thing is. */
  enum Health {
    /** As it should be. */
    GOOD,
    /** It works, but look at it. */
    WEAK,
    /** It does not work until it is mended. */
    BROKEN
  }

  static Finding good(String subject, String detail) {
    return new Finding(subject, Health.GOOD, detail, "");
  }

  static Finding weak(String subject, String detail, String mend) {
    return new Finding(subject, Health.WEAK, detail, mend);
  }

  static Finding broken(String subject, String detail, String mend) {
    return new Finding(subject, Health.BROKEN, detail, mend);
  }
}
