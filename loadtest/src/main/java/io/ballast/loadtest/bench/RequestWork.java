package io.ballast.loadtest.bench;

/**
 * Requests that a client made of a server, and what they took.
 *
 * @param requests how many, ≥ 1
 * @param seconds from the first request to the last answer, &gt; 0
 * @param cpuSeconds of the client's own process, the server's left out
 */
record RequestWork(int requests, double seconds, double cpuSeconds) {
  /** Requests a second. */
  double perSecond() {
    return requests / seconds;
  }

  /** Requests for each second that the client kept a core busy. */
  double perCpuSecond() {
    return requests / cpuSeconds;
  }
}
