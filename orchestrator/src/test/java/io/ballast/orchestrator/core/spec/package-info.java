/** What a spec may say. */
@NullMarked
package io.ballast.orchestrator.core.spec;

import org.jspecify.annotations.NullMarked;
