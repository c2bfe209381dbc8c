package io.ballast.inference.scoring;

/**
 * On whose behalf a model is asked.
 *
 * @param tenant whose call it is, and with whom answers may be shared
 * @param everyModel whether models may be asked that other tenants trained
 */
public record OnBehalf(String tenant, boolean everyModel) {
  /** The mesh itself. */
  public static final OnBehalf MESH = new OnBehalf("", true);

  /** The same, asking what an operator chose, whoever trained it. */
  public OnBehalf asOperatorsChose() {
    return new OnBehalf(tenant, true);
  }

  /** Whether {@code model} is there for it. */
  boolean sees(ScoringModel model) {
    return everyModel || model.owner().map(tenant::equals).orElse(true);
  }
}
