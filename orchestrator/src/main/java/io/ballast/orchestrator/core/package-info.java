/** What both halves of the orchestrator share: who asks, which version, names, seeds. */
@NullMarked
package io.ballast.orchestrator.core;

import org.jspecify.annotations.NullMarked;
