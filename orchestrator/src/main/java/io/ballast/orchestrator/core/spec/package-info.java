/** What a run is asked to do: records, defaults, and the reader that refuses by path. */
@NullMarked
package io.ballast.orchestrator.core.spec;

import org.jspecify.annotations.NullMarked;
