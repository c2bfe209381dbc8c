package io.ballast.standalone.demo.mesh;

/** What became of a run's candidate. */
public enum Decision {
  /** It passed the safety test and serves. */
  PROMOTED,
  /** It did not pass the safety test. */
  NO_SOLUTION_FOUND,
  /** It passed the safety test and does not serve: held by its spec, or the alias had moved on. */
  REFUSED
}
