package io.ballast.orchestrator.core.data;

/**
 * What people said of completions of a prompt. Both: they preferred one; one of them: they found it
 * good, or bad; none: the row is a prompt alone.
 *
 * @param chosen the preferred or the good one; empty: there is none
 * @param rejected the other or the bad one; empty: there is none
 */
public record Labels(String chosen, String rejected) {
  /** Of a prompt alone. */
  public static final Labels NONE = new Labels("", "");
}
