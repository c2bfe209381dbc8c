/** How patiently peers are called. */
@NullMarked
package io.ballast.orchestrator.core.peer;

import org.jspecify.annotations.NullMarked;
