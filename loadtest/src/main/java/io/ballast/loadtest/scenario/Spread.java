package io.ballast.loadtest.scenario;

/** How calls are spread over time. */
public enum Spread {
  /** As those of people who do not know of each other. */
  POISSON,
  /** At equal distances. */
  EVEN,
  /** As a file says. */
  TRACE
}
