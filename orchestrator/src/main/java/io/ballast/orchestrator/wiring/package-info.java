/** The only place that makes adapters and puts the parts together. */
@NullMarked
package io.ballast.orchestrator.wiring;

import org.jspecify.annotations.NullMarked;
