/** The rows that a run learns from: where they came from, and what was left out of them. */
@NullMarked
package io.ballast.orchestrator.core.data;

import org.jspecify.annotations.NullMarked;
