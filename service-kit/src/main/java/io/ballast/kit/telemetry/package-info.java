/**
 * Traces, one for each call that comes from outside, across all the servers that it reaches, and
 * the metrics that a collector is sent.
 */
@NullMarked
package io.ballast.kit.telemetry;

import org.jspecify.annotations.NullMarked;
