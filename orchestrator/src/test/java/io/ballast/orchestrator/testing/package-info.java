/** Fakes and fixtures of the orchestrator's tests. */
@NullMarked
package io.ballast.orchestrator.testing;

import org.jspecify.annotations.NullMarked;
