/** Runs: their state, the training loop, and who may steer it. */
@NullMarked
package io.ballast.orchestrator.core.run;

import org.jspecify.annotations.NullMarked;
