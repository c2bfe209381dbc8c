package io.ballast.loadtest.scenario;

import java.time.Duration;

/**
 * Beyond what the generator's own figures are not believed.
 *
 * @param sendDelayP99 the 99th percentile of how much later than meant calls are sent
 * @param headroom the generator must manage the load's peak times this, at least 1
 * @param calibration how long that is measured, against a server that does nothing
 */
public record GeneratorLimits(Duration sendDelayP99, double headroom, Duration calibration) {}
