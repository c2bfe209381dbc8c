/** Traces: one for each call that comes from outside, across all the servers that it reaches. */
@NullMarked
package io.ballast.kit.telemetry;

import org.jspecify.annotations.NullMarked;
