package io.ballast.orchestrator.core.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.SpecParser;

/** The least that a spec must say, and how one is read or refused. */
public final class LeastSpec {
  public static final String LEAST =
      """
      name: least
      prompts: {inline: [a]}
      safety_test: {threshold: 0.3, prompts: {inline: [b, c]}}
      """;

  /** The same on pairs that people chose from. */
  public static final String PAIRS =
      LEAST.replace("prompts: {inline: [a]}", "prompts: {pairs: a.jsonl}");

  private LeastSpec() {}

  public static RunSpec read(String spec) {
    return new SpecParser().apply(spec);
  }

  static void refused(String spec, String message) {
    assertThatThrownBy(() -> read(spec))
        .as(spec.substring(0, Math.min(200, spec.length())))
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> assertThat(thrown.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessageStartingWith(message);
  }
}
