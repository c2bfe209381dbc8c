package io.ballast.loadtest;

import io.ballast.loadtest.report.LoadReport;

/** How commands of {@code loadtest} end. */
final class LoadExit {
  static final int PASS = 0;

  /** Something that had to hold did not, or the first call was refused. */
  static final int FAIL = 1;

  /** Nothing answers. */
  static final int UNREACHABLE = 3;

  /** The generator did not keep up: nothing can be said of the mesh. */
  static final int INVALID = 5;

  /** Of two loads that are compared the second did not pass its own checks. */
  static final int AFTER_FAILED = 7;

  /** Two loads are too short for a comparison. */
  static final int TOO_SHORT = 6;

  private LoadExit() {}

  static int of(LoadReport.Verdict verdict) {
    return switch (verdict) {
      case PASS -> PASS;
      case FAIL -> FAIL;
      case INVALID -> INVALID;
    };
  }
}
