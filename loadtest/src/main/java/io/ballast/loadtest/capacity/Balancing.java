package io.ballast.loadtest.capacity;

/** Which replica a call goes to. */
enum Balancing {
  /** Any: what the round robins of many callers that do not know of each other come to. */
  RANDOM,
  /** The next: one caller's round robin, at best. */
  ROUND_ROBIN
}
