/** The ports to the other servers, and the patience with which they are called. */
@NullMarked
package io.ballast.orchestrator.core.peer;

import org.jspecify.annotations.NullMarked;
