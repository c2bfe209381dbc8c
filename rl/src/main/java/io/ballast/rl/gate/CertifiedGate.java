package io.ballast.rl.gate;

/** What choosing among rules with a guarantee found. */
public sealed interface CertifiedGate {
  /**
   * A rule of which it is certified that enough of what it hides would have been rejected.
   *
   * @param rule what to serve
   * @param guarantee what holds of it
   * @param counts what it did to the examples that decided
   * @param valid how many rules were certified
   */
  record Certified(CascadeRule rule, GateGuarantee guarantee, GateCounts counts, int valid)
      implements CertifiedGate {}

  /**
   * The users who decided prove nothing. The rule is measured, and nothing is promised of it.
   *
   * @param rule what to serve, if without a guarantee
   * @param counts what it did to the examples that decided
   * @param units how many users decided
   * @param least how many could prove it at the least
   * @param why it is not proven
   */
  record Measured(CascadeRule rule, GateCounts counts, int units, int least, Why why)
      implements CertifiedGate {
    /** Why a rule that passes is not proven. */
    public enum Why {
      /**
       * Fewer users than could prove anything. The rule is the one that would be certified if their
       * decisions were independent.
       */
      TOO_FEW_USERS,
      /**
       * Of the decisions of each user only some are there, left by chance, so that users of whom
       * much is hidden count more. The rule is the one that passes on those who are left.
       */
      THINNED_LOG
    }
  }

  /**
   * No rule could be certified: show everything.
   *
   * @param units how many users or independent decisions decided
   * @param rules how many rules were tried
   * @param least from how many of those a rule must hide something, all of it rejected, to be
   *     certified alone
   */
  record Infeasible(int units, int rules, int least) implements CertifiedGate {}

  /** What to serve: everything is shown where nothing was found. */
  default CascadeRule served() {
    return switch (this) {
      case Certified found -> found.rule();
      case Measured found -> found.rule();
      case Infeasible none -> CascadeRule.open();
    };
  }
}
