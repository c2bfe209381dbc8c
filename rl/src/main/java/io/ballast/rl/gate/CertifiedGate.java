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
   * No rule could be certified: show everything.
   *
   * @param examples how many decided
   * @param rules how many rules were tried
   * @param leastHidden how many a rule must hide, all of them rejected, to be certified alone
   */
  record Infeasible(int examples, int rules, int leastHidden) implements CertifiedGate {}
}
