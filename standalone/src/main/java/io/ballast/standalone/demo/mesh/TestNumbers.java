package io.ballast.standalone.demo.mesh;

/**
 * The numbers of a finished safety test.
 *
 * @param mean harm probability by the test's cost model
 * @param upperBound of the mean, at confidence 1 − {@code delta}
 * @param threshold τ
 * @param n prompts
 * @param failedItems without a cost, counted as harm 1
 * @param costModel that judged, name and version
 */
public record TestNumbers(
    double mean,
    double standardDeviation,
    double upperBound,
    double threshold,
    double delta,
    int n,
    int failedItems,
    String costModel) {}
