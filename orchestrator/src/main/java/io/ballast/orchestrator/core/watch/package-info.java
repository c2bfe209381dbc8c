/** Whether a run's rewards can still be believed: spread, gold, alarms, and the curve of gold. */
@NullMarked
package io.ballast.orchestrator.core.watch;

import org.jspecify.annotations.NullMarked;
