/** What the orchestrator promises, seen from outside. */
@NullMarked
package io.ballast.orchestrator;

import org.jspecify.annotations.NullMarked;
