/** What was sampled and judged, and which groups are worth learning from. */
@NullMarked
package io.ballast.orchestrator.core.rollout;

import org.jspecify.annotations.NullMarked;
